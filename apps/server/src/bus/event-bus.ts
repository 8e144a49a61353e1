import type {
  Cursor,
  DurableEvent,
  EphemeralEvent,
  EventReader,
  EventRecord,
  Following,
  FollowOptions,
  SubscribeOptions,
} from "@my-bot/protocol";

/** A durable event with what the log knows about it. */
export interface LogRecord<E extends DurableEvent = DurableEvent> extends EventRecord<E> {
  /** The full source that the event's session belongs to. */
  readonly sessionSource: string;
}

export interface PublishOptions {
  /** See LogRecord. */
  readonly sessionSource: string;
  /** Idempotency key of the whole batch. */
  readonly key?: string | undefined;
}

export interface Published {
  readonly records: readonly LogRecord[];
  /** The key was used before: nothing was appended, `records` are those of the first time. */
  readonly duplicate: boolean;
}

/** The durable, ordered log and its live fan-out. Rules: SPEC BUS. */
export interface EventBus {
  /** Appends all events or none. Resolves once they would survive a crash of this process; only then do subscribers see them. */
  publish(events: readonly DurableEvent[], options: PublishOptions): Promise<Published>;
  /** Was this key used, by a publish that may still wait for its commit? */
  has(key: string): boolean;
  /** The last of the used keys that begin with `prefix`, in the order of their characters. */
  lastKey(prefix: string): string | undefined;
  /** Reaches whoever is listening now; never stored, never waited for. */
  broadcast(event: EphemeralEvent, options: { readonly sessionSource: string }): void;
  /**
   * Records after `after`, then new ones, in order, until `signal` aborts; ephemeral and control events in between.
   * Throws BotError BAD_REQUEST for a malformed cursor.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<EventRecord>;
  /** The same for a reader that is called. Readers with the same filter share their batches. */
  follow(options: FollowOptions, reader: EventReader): Following;
  /** One session's records in log order: the last `limit` of those before `before`. */
  history(options: { sessionId: string; limit?: number; before?: Cursor | undefined }): readonly LogRecord[];
  /** Commits what is waiting; later publishes are refused with SERVICE_UNAVAILABLE. */
  close(): Promise<void>;
}
