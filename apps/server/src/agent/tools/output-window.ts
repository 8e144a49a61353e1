/** Head and tail of an output of any length, in constant memory. */
export class OutputWindow {
  readonly #half: number;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);
  #bytes = 0;

  /** Keeps `limit` bytes, half of them from each end. */
  constructor(limit: number) {
    this.#half = Math.floor(limit / 2);
  }

  /** How many bytes there were in all. */
  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    const room = this.#half - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, room)]);
    const rest = bytes.subarray(Math.max(0, room));
    if (rest.length > 0) this.#tail = Buffer.concat([this.#tail, rest]).subarray(-this.#half);
  }

  /** The text, with a note where something is left out. */
  toString(): string {
    const left = this.#bytes - this.#head.length - this.#tail.length;
    const note = left > 0 ? `\n[… ${left} bytes left out …]\n` : "";
    return left > 0 ? `${this.#head}${note}${this.#tail}` : Buffer.concat([this.#head, this.#tail]).toString();
  }
}
