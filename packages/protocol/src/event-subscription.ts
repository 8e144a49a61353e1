import { type TrackedEnvelope, tracked } from "@trpc/server";
import type { BotEvent } from "./events.ts";
import type { EventRecord, FollowOptions } from "./gateway.ts";

/**
 * What the `events` procedure answers: an iterable of tracked events, which any tRPC adapter can serve. A transport that
 * knows this class may leave the iterable alone and give the same events by `Gateway.follow(options)`.
 */
export class EventSubscription implements AsyncIterable<TrackedEnvelope<BotEvent>> {
  readonly options: FollowOptions;
  readonly #records: AsyncIterable<EventRecord>;
  readonly #writable: () => Promise<void> | undefined;

  constructor(options: FollowOptions, records: AsyncIterable<EventRecord>, writable: () => Promise<void> | undefined) {
    this.options = options;
    this.#records = records;
    this.#writable = writable;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrackedEnvelope<BotEvent>, void> {
    for await (const { cursor, event } of this.#records) {
      yield tracked(cursor, event);
      await this.#writable();
    }
  }
}
