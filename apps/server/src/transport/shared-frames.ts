import type { EventBatch, EventRecord } from "@my-bot/protocol";

/** What of a record comes after a frame's own beginning; undefined: nothing goes out for it. */
export type ToText = (record: EventRecord) => string | undefined;

const TEXT_FRAME = 0x81; // the last fragment, opcode 1 (RFC 6455, section 5.2)
const LENGTH_16_BIT = 126;
const LENGTH_64_BIT = 127;

/**
 * The WebSocket frames of event batches. Text is made once for all connections, and the bytes once for all that begin
 * their frames alike; both are kept until the tick is over.
 */
export class SharedFrames {
  readonly #toText: ToText;
  readonly #endings = new Map<EventBatch, readonly Buffer[]>();
  readonly #frames = new Map<string, Map<EventBatch, Buffer>>(); // by beginning

  constructor(toText: ToText) {
    this.#toText = toText;
  }

  /** One buffer with a frame for each record; each begins with `beginning`. Undefined when there is nothing to send. */
  of(batch: EventBatch, beginning: string): Buffer | undefined {
    const byBatch = this.#frames.get(beginning) ?? new Map<EventBatch, Buffer>();
    const known = byBatch.get(batch);
    if (known) return known;
    const endings = this.#endingsOf(batch);
    if (endings.length === 0) return undefined;
    const frames = joinFrames(Buffer.from(beginning), endings);
    this.#frames.set(beginning, byBatch.set(batch, frames));
    return frames;
  }

  #endingsOf(batch: EventBatch): readonly Buffer[] {
    const known = this.#endings.get(batch);
    if (known) return known;
    if (this.#endings.size === 0) setImmediate(() => this.#forget());
    const endings = batch.flatMap((record) => this.#toText(record) ?? []).map((text) => Buffer.from(text));
    this.#endings.set(batch, endings);
    return endings;
  }

  #forget(): void {
    this.#endings.clear();
    this.#frames.clear();
  }
}

function joinFrames(beginning: Buffer, endings: readonly Buffer[]): Buffer {
  const total = endings.reduce((sum, { length }) => sum + frameBytes(beginning.length + length), 0);
  const frames = Buffer.allocUnsafe(total);
  let at = 0;
  for (const ending of endings) {
    at = writeHeader(frames, at, beginning.length + ending.length);
    at += beginning.copy(frames, at);
    at += ending.copy(frames, at);
  }
  return frames;
}

function frameBytes(payload: number): number {
  if (payload < LENGTH_16_BIT) return 2 + payload;
  return (payload < 65_536 ? 4 : 10) + payload;
}

/** A server's frames are not masked. Returns where the payload begins. */
function writeHeader(frames: Buffer, at: number, payload: number): number {
  frames[at] = TEXT_FRAME;
  if (payload < LENGTH_16_BIT) {
    frames[at + 1] = payload;
    return at + 2;
  }
  if (payload < 65_536) {
    frames[at + 1] = LENGTH_16_BIT;
    return frames.writeUInt16BE(payload, at + 2);
  }
  frames[at + 1] = LENGTH_64_BIT;
  return frames.writeBigUInt64BE(BigInt(payload), at + 2);
}
