/** The reason of a stop that a user asked for, unlike one of the server. */
export class RunAborted extends Error {
  constructor() {
    super("Stopped by the user");
    this.name = "RunAborted";
  }
}
