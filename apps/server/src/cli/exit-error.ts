/** Exit codes: those of sysexits.h where they fit. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, config: 78 } as const;

/** Ends the program with one line on standard error. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = "ExitError";
    this.exitCode = exitCode;
  }
}
