/** The beginning and the end of an output of any length, in constant memory. */
export class KeptOutput {
  readonly #half: number;
  readonly #tail: Buffer; // a ring
  #head = Buffer.alloc(0);
  #tailBytes = 0; // that ever went through the ring
  #written = 0;

  /** Keeps at most `maxBytes`: half of them from the beginning, half from the end. */
  constructor(maxBytes: number) {
    this.#half = Math.floor(maxBytes / 2);
    this.#tail = Buffer.alloc(this.#half);
  }

  /** Bytes that were added, kept or not. */
  get written(): number {
    return this.#written;
  }

  add(chunk: Buffer): void {
    this.#written += chunk.length;
    const room = this.#half - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    this.#addToTail(chunk.subarray(room));
  }

  /** As UTF-8, with a note where something was left out; a character that the cut went through is left out too. */
  text(): string {
    const cut = this.#written - this.#head.length - Math.min(this.#tailBytes, this.#half);
    const tail = this.#readTail();
    if (cut === 0) return new TextDecoder().decode(Buffer.concat([this.#head, tail]));
    const note = `\n[cut: ${cut} of ${this.#written} bytes]\n`;
    return (
      new TextDecoder().decode(this.#head, { stream: true }) + note + new TextDecoder().decode(fromCharacter(tail))
    );
  }

  #addToTail(bytes: Buffer): void {
    const skipped = Math.max(0, bytes.length - this.#half);
    const last = bytes.subarray(skipped);
    const at = (this.#tailBytes + skipped) % this.#half;
    const copied = last.copy(this.#tail, at);
    last.copy(this.#tail, 0, copied);
    this.#tailBytes += bytes.length;
  }

  #readTail(): Buffer {
    if (this.#tailBytes <= this.#half) return this.#tail.subarray(0, this.#tailBytes);
    const at = this.#tailBytes % this.#half;
    return Buffer.concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]);
  }
}

/** Without what a cut left of a character at the start. */
function fromCharacter(bytes: Buffer): Buffer {
  const start = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80);
  return bytes.subarray(Math.max(0, start));
}
