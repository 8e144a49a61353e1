import type { EventBatch, EventRecord } from "@my-bot/protocol";
import { textFrames } from "./text-frame.ts";

/** What of a record comes after a frame's own beginning; undefined: nothing goes out for it. */
export type ToText = (record: EventRecord) => string | undefined;

interface BatchFrames {
  readonly endings: readonly Buffer[];
  readonly byBeginning: Map<string, Buffer>;
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
    const { endings, byBeginning } = this.#batches.get(batch) ?? this.#open(batch);
    if (endings.length === 0) return undefined;
    const known = byBeginning.get(beginning);
    if (known) return known;
    const frames = textFrames(Buffer.from(beginning), endings);
    byBeginning.set(beginning, frames);
    return frames;
  }

  #open(batch: EventBatch): BatchFrames {
    if (this.#batches.size === 0) setImmediate(() => this.#batches.clear());
    const endings = batch.flatMap((record) => this.#toText(record) ?? []).map((text) => Buffer.from(text));
    const frames = { endings, byBeginning: new Map<string, Buffer>() };
    this.#batches.set(batch, frames);
    return frames;
  }
}
