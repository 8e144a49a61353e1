import type { Interface } from "node:readline/promises";

/** Lines of a terminal or a pipe, for whoever asks for the next one; those that came early wait. */
export class LineReader {
  readonly #lines: AsyncIterator<string>;
  #next: Promise<IteratorResult<string>> | undefined; // asked for, and not taken yet

  constructor(terminal: Interface) {
    this.#lines = terminal[Symbol.asyncIterator]();
  }

  /** Undefined at the end of the input, or when `signal` aborts: then the line is there for who asks next. */
  async next(signal?: AbortSignal): Promise<string | undefined> {
    this.#next ??= this.#lines.next();
    const line = await Promise.race([this.#next, aborted(signal)]);
    if (line === undefined) return undefined;
    if (!line.done) this.#next = undefined;
    return line.done ? undefined : line.value;
  }
}

function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(undefined);
    signal?.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
