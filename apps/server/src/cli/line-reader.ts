import type { Interface } from "node:readline";

/** Takes a line as it comes, before anyone asks for it; false: it is not for this one. */
export type LineHandler = (line: string) => boolean;

/** Lines of a terminal or a pipe, for whoever asks for the next one; those that came early wait. */
export class LineReader {
  readonly #waiting: string[] = [];
  #isEnded = false;
  #wake: (() => void) | undefined; // of who asks
  #handler: LineHandler | undefined;

  constructor(terminal: Interface) {
    terminal.on("line", (line) => {
      if (this.#waiting.length === 0 && this.#handler?.(line)) return;
      this.#waiting.push(line);
      this.#wake?.();
    });
    terminal.on("close", () => {
      this.#isEnded = true;
      this.#wake?.();
    });
  }

  /** Undefined at the end of the input, or when `signal` aborts: then the line is there for who asks next. */
  async next(signal?: AbortSignal): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#isEnded && !signal?.aborted) await this.#change(signal);
    return signal?.aborted ? undefined : this.#waiting.shift();
  }

  /** From now on `handler` sees each line first, unless others wait before it. */
  intercept(handler: LineHandler): Disposable {
    this.#handler = handler;
    return {
      [Symbol.dispose]: () => {
        this.#handler = undefined;
      },
    };
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
