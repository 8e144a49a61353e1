import {
  BotError,
  type Cursor,
  type DurableEvent,
  type EphemeralEvent,
  type EventFilter,
  type EventReader,
  type EventRecord,
  type Following,
  type FollowOptions,
  type GapEvent,
  type SubscribeOptions,
} from "@my-bot/protocol";
import { formatCursor, parseCursor } from "./cursor.ts";
import type { EventBus, LogRecord, Published, PublishOptions } from "./event-bus.ts";
import { FanOut, type ReadableLog, type Start } from "./fan-out.ts";
import { iterateEvents } from "./iterate-events.ts";
import type { LogPage } from "./log-page.ts";
import { type KeepLimits, pruneLog } from "./prune-log.ts";
import { RecentRecords } from "./recent-records.ts";
import { SqliteLog, type StoredRecord } from "./sqlite-log.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import { storageError } from "./storage-error.ts";

/** State that is derived from the log and kept in the same file. */
export interface Projection {
  /** Folds one record in, within the transaction that appends it. */
  apply(record: StoredRecord): void;
}

/** Everything that is published in one tick: one transaction, one fsync. */
interface Batch {
  readonly records: StoredRecord[];
  readonly settled: PromiseWithResolvers<void>;
}

export interface PrunableBus extends EventBus {
  /** Removes some of the oldest finished runs that are beyond the limits; true when there may be more (SPEC BUS23). */
  prune(keep: KeepLimits): boolean;
}

export interface SqliteBusOptions {
  /** How often the write-ahead log is looked at. */
  readonly trimMs?: number;
}

const RECENT = { records: 1024, chars: 4 * 1024 * 1024 };
const TRIM_MS = 10_000;
const WAL_BYTES = 64 * 1024 * 1024; // SQLite itself keeps it at 16 MiB, but not while a backup reads

export function openSqliteBus(
  store: SqliteStore,
  projections: readonly Projection[],
  { trimMs = TRIM_MS }: SqliteBusOptions = {},
): PrunableBus {
  return new SqliteBus(store, projections, trimMs);
}

class SqliteBus implements PrunableBus, ReadableLog {
  readonly #store: SqliteStore;
  readonly #log: SqliteLog;
  readonly #projections: readonly Projection[];
  readonly #recent = new RecentRecords(RECENT);
  readonly #fanOut = new FanOut(this);
  #head: number;
  #batch: Batch | undefined;
  #isClosed = false;
  #trimmedAt: number; // head at the last look at the write-ahead log
  readonly #trimming: NodeJS.Timeout;
  #prunedSeq: number;
  #prunePosition = 0;

  constructor(store: SqliteStore, projections: readonly Projection[], trimMs: number) {
    this.#store = store;
    this.#log = new SqliteLog(store);
    this.#projections = projections;
    this.#head = this.#log.readHead();
    this.#prunedSeq = this.#log.readPrunedSeq();
    this.#trimmedAt = this.#head;
    this.#trimming = setInterval(() => this.#trim(), trimMs).unref();
  }

  get head(): number {
    return this.#head;
  }

  get prunedSeq(): number {
    return this.#prunedSeq;
  }

  cursor(seq: number): Cursor {
    return formatCursor({ epoch: this.#log.epoch, seq });
  }

  async publish(events: readonly DurableEvent[], options: PublishOptions): Promise<Published> {
    if (this.#isClosed) throw new BotError("SERVICE_UNAVAILABLE", "The server is shutting down");
    const batch = this.#openBatch();
    const published = this.#tryAppend(batch, events, options);
    await batch.settled.promise;
    return published;
  }

  has(key: string): boolean {
    return this.#log.hasKey(key);
  }

  lastKey(prefix: string): string | undefined {
    return this.#log.lastKey(prefix);
  }

  broadcast(event: EphemeralEvent, { sessionSource }: { sessionSource: string }): void {
    this.#fanOut.broadcast(event, sessionSource);
  }

  subscribe({ after, filter, signal }: SubscribeOptions): AsyncIterable<EventRecord> {
    const start = this.#start(after);
    return iterateEvents((reader) => this.#fanOut.follow(start, filter, reader), signal);
  }

  follow({ after, filter }: FollowOptions, reader: EventReader): Following {
    return this.#fanOut.follow(this.#start(after), filter, reader);
  }

  history(options: { sessionId: string; limit?: number; before?: Cursor | undefined }): readonly LogRecord[] {
    const before = options.before === undefined ? this.#head + 1 : parseCursor(options.before).seq;
    return this.#log.readHistory(options.sessionId, before, options.limit ?? -1);
  }

  prune(keep: KeepLimits): boolean {
    if (this.#isClosed) return false;
    if (this.#batch) return true; // its transaction ends with this tick
    const { upTo = 0, position, hasMore } = pruneLog(this.#store, keep, this.#prunePosition);
    this.#prunedSeq = Math.max(this.#prunedSeq, upTo);
    this.#prunePosition = position;
    this.#recent.forget(upTo);
    return hasMore;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#trimming);
    if (this.#batch) this.#commit(this.#batch);
    this.#store.close();
  }

  readAfter(seq: number, filter: EventFilter | undefined): LogPage {
    return this.#recent.readAfter(seq, filter) ?? this.#log.readAfter(seq, this.#head, filter);
  }

  #openBatch(): Batch {
    if (this.#batch) return this.#batch;
    const batch: Batch = { records: [], settled: Promise.withResolvers() };
    try {
      this.#store.writer.exec("BEGIN IMMEDIATE");
    } catch (cause) {
      throw storageError("event", cause);
    }
    this.#batch = batch;
    // After the poll phase: by then every frame that has arrived in this tick is parsed and published.
    setImmediate(() => this.#commit(batch));
    return batch;
  }

  /** A batch that fails rejects through `settled`, for everyone in it. */
  #tryAppend(batch: Batch, events: readonly DurableEvent[], options: PublishOptions): Published {
    try {
      return this.#append(batch, events, options);
    } catch (cause) {
      this.#fail(batch, cause);
      return { records: [], duplicate: false };
    }
  }

  #append(batch: Batch, events: readonly DurableEvent[], { sessionSource, key }: PublishOptions): Published {
    const earlier = key === undefined ? undefined : this.#log.findKey(key);
    if (earlier) return { records: earlier, duplicate: true };
    const firstSeq = this.#head + batch.records.length + 1;
    const records = events.map((event, index) => this.#log.append(firstSeq + index, event, sessionSource));
    if (key !== undefined) this.#log.appendKey(key, firstSeq, firstSeq + events.length - 1);
    for (const record of records) {
      for (const projection of this.#projections) projection.apply(record);
    }
    batch.records.push(...records);
    return { records, duplicate: false };
  }

  #commit(batch: Batch): void {
    if (this.#batch !== batch) return; // failed before, or committed by close
    try {
      this.#store.writer.exec("COMMIT");
    } catch (cause) {
      this.#fail(batch, cause);
      return;
    }
    this.#batch = undefined;
    this.#head += batch.records.length;
    this.#recent.add(batch.records);
    batch.settled.resolve();
    this.#fanOut.publish(batch.records);
  }

  /** Nothing of the batch was stored: every publisher in it is told. */
  #fail(batch: Batch, cause: unknown): void {
    this.#batch = undefined;
    // SQLite may have rolled back by itself, for example on a full disk.
    if (this.#store.writer.isTransaction) this.#store.writer.exec("ROLLBACK");
    batch.settled.reject(storageError("event", cause));
  }

  /** Once nothing is published any more, the whole log is brought into the file. */
  #trim(): void {
    if (this.#batch) return;
    this.#store.trimWal(this.#head === this.#trimmedAt ? 0 : WAL_BYTES);
    this.#trimmedAt = this.#head;
  }

  #start(after: Cursor | undefined): Start {
    if (after === undefined) return { position: this.#head };
    const { epoch, seq } = parseCursor(after);
    const isOther = epoch !== undefined && epoch !== this.#log.epoch;
    const restart = (reason: GapEvent["reason"]) => ({ position: 0, gap: { type: "GapEvent" as const, reason } });
    if (isOther) return restart("unknown_store");
    if (seq > this.#head) return restart("beyond_end");
    // "0" asks for what there is; whoever was further on has missed something.
    return seq > 0 && seq < this.#prunedSeq ? restart("pruned") : { position: seq };
  }
}
