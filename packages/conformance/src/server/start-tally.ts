import type { Say } from "../ledger/run-report.ts";
import type { ServerCommand } from "./server-command.ts";

/** The starts of one run. */
export class StartTally {
  /** How long those took that did not fail. */
  readonly startMs: number[] = [];
  #failed = 0;

  get failed(): number {
    return this.#failed;
  }

  /** A start that fails is told, counted, and tried once more, so that the run can go on. Throws when that fails too. */
  async start(server: ServerCommand, say: Say): Promise<void> {
    const startedAt = performance.now();
    try {
      await server.start();
      this.startMs.push(performance.now() - startedAt);
    } catch (cause) {
      this.#failed += 1;
      say(String(cause));
      await server.kill();
      await server.start();
    }
  }
}
