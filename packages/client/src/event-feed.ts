import type { EventRecord } from "@my-bot/protocol";

export interface FeedObserver {
  onData(frame: { readonly id: string; readonly data: EventRecord["event"] }): void;
  onError(cause: unknown): void;
  onComplete(): void;
}

const MAX_QUEUED = 1000;

/** One subscription as a queue of limited length: what does not fit stays in the log (SPEC CLT4). */
export class EventFeed {
  readonly #subscription: { unsubscribe(): void };
  readonly #queue: EventRecord[] = [];
  #hasEnded = false;
  #isFull = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(subscribe: (observer: FeedObserver) => { unsubscribe(): void }) {
    this.#subscription = subscribe({
      onData: ({ id, data }) => this.#push({ cursor: id, event: data }),
      onError: (cause) => {
        this.#failure = cause;
        this.#end();
      },
      onComplete: () => this.#end(),
    });
  }

  /** It ended because its reader is slow. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What it ended with, if it was an error. */
  get failure(): unknown {
    return this.#failure;
  }

  /** What has come and comes, until the subscription ends, for whatever reason. */
  async *records(): AsyncGenerator<EventRecord, void, undefined> {
    for (;;) {
      const record = this.#queue.shift();
      if (record) yield record;
      else if (this.#hasEnded) return;
      else await this.#change();
    }
  }

  stop(): void {
    this.#end();
    this.#subscription.unsubscribe();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #push(record: EventRecord): void {
    if (this.#hasEnded) return;
    this.#queue.push(record);
    this.#wake?.();
    if (this.#queue.length < MAX_QUEUED) return;
    this.#isFull = true;
    this.stop();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }
}
