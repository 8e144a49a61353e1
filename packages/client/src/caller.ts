import { CallGate, isLarge } from "./call-gate.ts";
import { ConnectionLostError, explainFailure, MyBotClientError } from "./client-error.ts";
import type { Connection } from "./connection.ts";
import { backoffMs, eitherSignal, sleep } from "./retry.ts";

export interface RepeatOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to make the call again although the server may have done it already. Default true. */
  readonly isRepeatable?: boolean | undefined;
}

/** Makes one call of the router with `input`. */
export type Call<I, T> = (trpc: Connection["trpc"], input: I, options: { signal: AbortSignal }) => Promise<T>;

/** Makes calls until the server has answered them for good (SPEC CLT1, CLT2). */
export class Caller {
  readonly #connection: Connection;
  readonly #gate = new CallGate();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Rejects with MyBotClientError when the server refuses, else with the reason of the signal that ended it. */
  async call<I, T>(make: Call<I, T>, input: I, options: RepeatOptions = {}): Promise<T> {
    const signal = eitherSignal(this.#connection.closing, options.signal);
    const chars = JSON.stringify(input)?.length ?? 0; // throws what cannot be sent
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        return await this.#gate.pass(() => make(this.#connection.trpc, input, { signal }), { chars, signal });
      } catch (cause) {
        signal.throwIfAborted();
        const isRepeatable = options.isRepeatable ?? true;
        await sleep(delayBeforeRepeating(cause, { failures, chars, isRepeatable }), signal);
      }
    }
  }
}

/** Throws when the call must not be made again. */
function delayBeforeRepeating(
  cause: unknown,
  { failures, chars, isRepeatable }: { failures: number; chars: number; isRepeatable: boolean },
): number {
  const failure = explainFailure(cause);
  if (failure.kind === "refused") throw failure.error;
  if (failure.kind === "refusedForNow") return backoffMs(failures + 1);
  if (failure.isTooLong && isLarge(chars)) {
    throw new MyBotClientError("PAYLOAD_TOO_LARGE", "The message is longer than the server allows", { cause });
  }
  if (!isRepeatable) throw new ConnectionLostError({ cause });
  return backoffMs(failures);
}
