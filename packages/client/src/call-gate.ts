const SLOTS = 32;
const LARGE_CHARS = 4096;

export interface PassOptions {
  /** Length of the input as JSON. */
  readonly chars: number;
  readonly signal: AbortSignal;
}

/** A large call has the socket to itself. */
export function isLarge(chars: number): boolean {
  return chars > LARGE_CHARS;
}

/**
 * Calls that are made together travel in one frame, and the server limits both its length and its number of calls. So
 * few small calls are under way at a time, and a large one alone: a frame that is too long names its call (SPEC CLT1).
 */
export class CallGate {
  #free = SLOTS;
  #waiting: { readonly slots: number; enter(): void }[] = [];

  /** Makes the call when it is its turn; rejects with the signal's reason when that comes first. */
  async pass<T>(call: () => Promise<T>, { chars, signal }: PassOptions): Promise<T> {
    const slots = isLarge(chars) ? SLOTS : 1;
    await this.#enter(slots, signal);
    try {
      return await call();
    } finally {
      this.#free += slots;
      this.#admit();
    }
  }

  #enter(slots: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        this.#admit();
        reject(signal.reason);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const waiting = { slots, enter };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#admit();
    });
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.slots <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.slots;
      next.enter();
    }
  }
}
