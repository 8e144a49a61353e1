import type { AbortInput } from "@my-bot/protocol";

/** What the gateway may ask of whoever runs the agents. */
export interface RunControl {
  /** Stops running and queued runs; resolves with their ids once each has its OutboundEvent. */
  abort(which: AbortInput): Promise<string[]>;
  /** Is this run being answered now? */
  isRunning(runId: string): boolean;
}
