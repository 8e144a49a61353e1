export interface McpFaultOptions extends ErrorOptions {
  /** What the program wrote to its standard error: for the server's log only. */
  readonly printed?: string;
}

/** Why a server cannot be used: one clause for whoever configured it, without secrets and the server's own words. */
export class McpFault extends Error {
  readonly printed: string;

  constructor(message: string, { printed = "", ...options }: McpFaultOptions = {}) {
    super(message, options);
    this.name = "McpFault";
    this.printed = printed;
  }
}
