/** Why a run that is not over leaves off: the next start goes on with it. */
export class ServerStopping extends Error {
  constructor() {
    super("The server is stopping");
    this.name = "ServerStopping";
  }
}
