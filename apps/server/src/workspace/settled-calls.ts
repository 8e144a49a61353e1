export interface SettledCallsOptions {
  /** Milliseconds without a further request before the call is made. */
  readonly quietMs: number;
  /** The longest that requests which never cease can put it off. */
  readonly longestMs: number;
}

/** Makes one call for many requests: when they have ceased, and never two calls at once. */
export class SettledCalls {
  readonly #call: () => Promise<void>;
  readonly #options: SettledCallsOptions;
  #timer: NodeJS.Timeout | undefined;
  #firstAt: number | undefined; // of the requests that wait for a call
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** `call` must not reject. */
  constructor(call: () => Promise<void>, options: SettledCallsOptions) {
    this.#call = call;
    this.#options = options;
  }

  request(): void {
    if (this.#isClosed) return;
    this.#firstAt ??= performance.now();
    if (this.#running !== undefined) return; // its end sees to it
    const { quietMs, longestMs } = this.#options;
    const leftMs = this.#firstAt + longestMs - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), Math.max(0, Math.min(quietMs, leftMs)));
  }

  /** Resolves when no call is running; none begins after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #start(): void {
    this.#firstAt = undefined;
    this.#running = this.#call().finally(() => {
      this.#running = undefined;
      if (this.#firstAt !== undefined) this.request();
    });
  }
}
