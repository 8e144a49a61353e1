import type { LlmConfig } from "../workspace/config.ts";
import { ModelError } from "./language-model.ts";

const USAGE_WAIT_MS = 2000; // for the usage after a complete answer

export interface Watchdog extends Disposable {
  /** Aborts with a ModelError when one of the bounds is passed. */
  readonly signal: AbortSignal;
  /** Something came: starts the wait for the next. */
  readonly onChunk: (isComplete: boolean) => void;
}

/** Bounds of one turn. The SDK's own timeout ends with the headers; after them a stream may stall for minutes. */
export function createWatchdog({ first_byte, idle, total }: LlmConfig["timeouts"]): Watchdog {
  const controller = new AbortController();
  const abortAfter = (ms: number, message: string): NodeJS.Timeout =>
    setTimeout(() => controller.abort(new ModelError(message)), ms);
  const totalTimer = abortAfter(total * 1000, `The model took longer than ${total} s for its answer`);
  let waitTimer = abortAfter(first_byte * 1000, `The model did not start to answer within ${first_byte} s`);
  return {
    signal: controller.signal,
    onChunk: (isComplete) => {
      clearTimeout(waitTimer);
      const waitMs = isComplete ? Math.min(USAGE_WAIT_MS, idle * 1000) : idle * 1000;
      waitTimer = abortAfter(waitMs, `The model stopped in the middle of its answer for ${idle} s`);
    },
    [Symbol.dispose]: () => {
      clearTimeout(waitTimer);
      clearTimeout(totalTimer);
    },
  };
}
