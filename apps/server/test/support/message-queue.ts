import { EventEmitter, once } from "node:events";

const PATIENCE_MS = 15_000;

/** What has arrived and was not asked for yet. Waiting has an end, so that a missing message fails with its name. */
export class MessageQueue<T> {
  readonly #arrived = new EventEmitter().setMaxListeners(0); // as many as wait at once
  #items: T[] = [];
  /** Everything that ever arrived. */
  readonly all: T[] = [];

  push(item: T): void {
    this.all.push(item);
    this.#items.push(item);
    this.#arrived.emit("item");
  }

  /** The next item that fits; those before it are dropped. */
  async next(what: string, fits: (item: T) => boolean = () => true): Promise<T> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const index = this.#items.findIndex(fits);
      if (index >= 0) {
        const [item] = this.#items.splice(0, index + 1).slice(-1);
        return item as T;
      }
      await once(this.#arrived, "item", { signal }).catch(() => {
        throw new Error(`Waited in vain for ${what}; got ${JSON.stringify(this.all).slice(0, 2000)}`);
      });
    }
  }
}
