import { setTimeout as wait } from "node:timers/promises";

/** Time, so that tests can have one of their own. */
export interface Clock {
  now(): Date;
  /** Resolves at `time`, when `signal` aborts, or before: whoever waits looks again. */
  waitUntil(time: Date, signal: AbortSignal): Promise<void>;
}

const LONGEST_MS = 30_000; // a computer that slept or was given another time notices by then

export const systemClock: Clock = {
  now: () => new Date(),
  waitUntil: async (time, signal) => {
    const ms = Math.min(Math.max(time.getTime() - Date.now(), 0), LONGEST_MS);
    await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
  },
};
