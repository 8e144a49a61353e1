import type { Clock } from "../../src/cron/clock.ts";

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now: Date;
  #waiting = Promise.withResolvers<Date>();
  #moved = Promise.withResolvers<void>();

  constructor(now: string) {
    this.#now = new Date(now);
  }

  now(): Date {
    return this.#now;
  }

  async waitUntil(time: Date, signal: AbortSignal): Promise<void> {
    this.#waiting.resolve(time);
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    if (!signal.aborted) await Promise.race([this.#moved.promise, aborted]);
  }

  /** Resolves when all is done that there was to do, with the time that is waited for. */
  untilIdle(): Promise<Date> {
    return this.#waiting.promise;
  }

  async moveTo(now: string): Promise<Date> {
    await this.untilIdle();
    this.#now = new Date(now);
    this.#waiting = Promise.withResolvers();
    const { resolve } = this.#moved;
    this.#moved = Promise.withResolvers();
    resolve();
    return this.untilIdle();
  }
}
