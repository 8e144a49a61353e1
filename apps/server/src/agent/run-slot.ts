import type PQueue from "p-queue";

const HAS_BEGUN = 1; // comes before whoever has not

/** The place of one run among those of its agent that work at once. Without one it waits, unless `signal` aborts. */
export class RunSlot {
  readonly #queue: PQueue;
  readonly #signal: AbortSignal;
  #release: (() => void) | undefined; // while it has the place
  #waits = 0; // for other runs, at this moment

  constructor(queue: PQueue, signal: AbortSignal) {
    this.#queue = queue;
    this.#signal = signal;
  }

  take(priority = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#signal.addEventListener("abort", () => resolve(), { once: true });
    const hold = (): Promise<void> | undefined => {
      resolve();
      if (this.#signal.aborted || this.#waits > 0) return undefined;
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      this.#release = release;
      return held;
    };
    void this.#queue.add(hold, { priority });
    return promise;
  }

  give(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Others have the place until `wait` has settled: it may be waiting for one of them (SPEC AGT5). */
  async lend<T>(wait: Promise<T>): Promise<T> {
    this.#waits += 1;
    this.give();
    try {
      return await wait;
    } finally {
      this.#waits -= 1;
      if (this.#waits === 0 && !this.#signal.aborted) await this.take(HAS_BEGUN);
    }
  }
}
