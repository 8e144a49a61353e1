import type { EventBatch, EventRecord } from "@my-bot/protocol";
import { byteFrames, textFrames } from "./text-frame.ts";

/** What of a record comes after a frame's own beginning; undefined: nothing goes out for it. */
export type ToText = (record: EventRecord) => string | undefined;

interface BatchFrames {
  readonly endings: readonly string[];
  /** Most batches have readers of one kind only: what others need is made for the second. */
  readonly first: { readonly beginning: string; readonly frames: Buffer };
  others?: { readonly endings: readonly Buffer[]; readonly byBeginning: Map<string, Buffer> };
}

/**
 * The WebSocket frames of event batches. Text is made once for all connections, and the bytes once for all that begin
 * their frames alike; both are kept until the tick is over.
 */
export class SharedFrames {
  readonly #toText: ToText;
  readonly #batches = new Map<EventBatch, BatchFrames>();

  constructor(toText: ToText) {
    this.#toText = toText;
  }

  /** One buffer with a frame for each record; each begins with `beginning`. Undefined when there is nothing to send. */
  of(batch: EventBatch, beginning: string): Buffer | undefined {
    const made = this.#batches.get(batch) ?? this.#open(batch, beginning);
    if (made.endings.length === 0) return undefined;
    return made.first.beginning === beginning ? made.first.frames : otherFrames(made, beginning);
  }

  #open(batch: EventBatch, beginning: string): BatchFrames {
    if (this.#batches.size === 0) setImmediate(() => this.#batches.clear());
    const endings = batch.flatMap((record) => this.#toText(record) ?? []);
    const made: BatchFrames = { endings, first: { beginning, frames: textFrames(beginning, endings) } };
    this.#batches.set(batch, made);
    return made;
  }
}

function otherFrames(made: BatchFrames, beginning: string): Buffer {
  made.others ??= { endings: made.endings.map((text) => Buffer.from(text)), byBeginning: new Map() };
  const { endings, byBeginning } = made.others;
  const known = byBeginning.get(beginning);
  if (known) return known;
  const frames = byteFrames(Buffer.from(beginning), endings);
  byBeginning.set(beginning, frames);
  return frames;
}
