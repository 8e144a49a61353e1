import { setTimeout as wait } from "node:timers/promises";
import type { KeepLimits } from "./prune-log.ts";
import type { PrunableBus } from "./sqlite-bus.ts";

const EVERY_MS = 60 * 60 * 1000;
const PAUSE_MS = 20; // between two transactions, for everyone else

export interface RetentionDeps {
  readonly bus: PrunableBus;
  readonly keep: KeepLimits;
  readonly onError: (error: unknown) => void;
}

/** Keeps the log within its limits, now and every hour, until `signal` aborts; never rejects. */
export async function runRetention({ bus, keep, onError }: RetentionDeps, signal: AbortSignal): Promise<void> {
  if (keep.days === undefined && keep.megabytes === undefined) return;
  while (!signal.aborted) {
    try {
      while (!signal.aborted && bus.prune(keep)) await wait(PAUSE_MS);
    } catch (cause) {
      onError(cause); // a full disk, say: there is a next time
    }
    await wait(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
