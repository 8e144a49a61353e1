/** Why something of the web was not read, for the model; continues "it …". */
export class WebError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "WebError";
  }
}
