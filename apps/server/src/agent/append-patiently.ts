import { setTimeout as delay } from "node:timers/promises";
import { BotError, type DurableEvent } from "@my-bot/protocol";
import type { EventBus, Published, PublishOptions } from "../bus/event-bus.ts";

export interface AppendPatientlyDeps {
  readonly bus: EventBus;
  readonly onError: (error: unknown) => void;
}

export interface AppendPatientlyOptions extends PublishOptions {
  readonly signal: AbortSignal;
}

const RETRY_MS = 1000;

/**
 * Appends events of a run. While the log cannot be written (a full disk, say) it tries again each second: a run waits
 * rather than fails (SPEC BUS20). Throws the signal's reason, or what is not about storage.
 */
export async function appendPatiently(
  { bus, onError }: AppendPatientlyDeps,
  events: readonly DurableEvent[],
  { signal, ...options }: AppendPatientlyOptions,
): Promise<Published> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await bus.publish(events, options);
    } catch (cause) {
      if (!(cause instanceof BotError && cause.code === "SERVICE_UNAVAILABLE")) throw cause;
      onError(cause);
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // an abort is thrown above
  }
}
