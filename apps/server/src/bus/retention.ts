import { setTimeout as wait } from "node:timers/promises";
import type { KeepLimits } from "./prune-log.ts";
import type { PrunableBus } from "./sqlite-bus.ts";

const EVERY_MS = 60 * 60 * 1000;
const PAUSE_MS = 20; // between two transactions, for everyone else

export interface RetentionDeps {
  readonly bus: PrunableBus;
  /** The limits of now, and a signal that aborts when they are no longer. */
  readonly keep: () => { readonly limits: KeepLimits; readonly changed: AbortSignal };
  /** Removes what nothing in the log names. */
  readonly removeUnused: () => void;
  readonly onError: (error: unknown) => void;
}

/** Keeps the log within its limits, now, when they change and every hour, until `signal` aborts; never rejects. */
export async function runRetention(
  { bus, keep, removeUnused, onError }: RetentionDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { limits, changed } = keep();
    const isLimited = limits.days !== undefined || limits.megabytes !== undefined;
    try {
      removeUnused();
      while (isLimited && !signal.aborted && !changed.aborted && bus.prune(limits)) await wait(PAUSE_MS);
    } catch (cause) {
      onError(cause); // a full disk, say: there is a next time
    }
    await wait(EVERY_MS, undefined, { signal: AbortSignal.any([signal, changed]), ref: false }).catch(() => undefined);
  }
}
