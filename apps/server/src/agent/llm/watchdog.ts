import type { ModelConfig } from "../../workspace/config.ts";
import { ModelError } from "../language-model.ts";

type Timeouts = ModelConfig["timeouts"];

const USAGE_WAIT_S = 2; // for the usage after a complete answer

/** The answer had begun, and then nothing came for too long. */
export class ModelStall extends ModelError {}

export interface Watchdog extends Disposable {
  /** Aborts with a ModelError when a bound is passed. */
  readonly signal: AbortSignal;
  /** Something came: starts the wait for the next. */
  readonly onChunk: (isComplete: boolean) => void;
}

/** Bounds of one try. The SDK's own timeout ends with the headers; after them a stream may stall for minutes. */
export function createWatchdog({ first_byte, idle }: Omit<Timeouts, "total">): Watchdog {
  const controller = new AbortController();
  const abortAfter = (seconds: number, reason: ModelError): NodeJS.Timeout =>
    setTimeout(() => controller.abort(reason), seconds * 1000);
  const stall = new ModelStall(`The model stopped in the middle of its answer for ${idle} s`);
  let timer = abortAfter(first_byte, new ModelError(`The model did not start to answer within ${first_byte} s`));
  return {
    signal: controller.signal,
    onChunk: (isComplete) => {
      clearTimeout(timer);
      timer = abortAfter(isComplete ? Math.min(USAGE_WAIT_S, idle) : idle, stall);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** Bound of one turn with all its tries and the pauses between them. */
export function createTotalBound({ total }: Pick<Timeouts, "total">): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const reason = new ModelError(`The model took longer than ${total} s for its answer`);
  const timer = setTimeout(() => controller.abort(reason), total * 1000);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
