import type {
  Cursor,
  DurableEvent,
  EphemeralEvent,
  EventBatch,
  EventFilter,
  EventReader,
  EventRecord,
  GapEvent,
} from "@my-bot/protocol";
import { Follower } from "./follower.ts";
import { LiveText } from "./live-text.ts";
import type { LogPage } from "./log-page.ts";
import { GroupIndex, type ReaderGroup } from "./reader-group.ts";
import type { StoredRecord } from "./sqlite-log.ts";

/** The durable side of what readers get. */
export interface ReadableLog {
  /** Sequence number of the newest committed event. */
  readonly head: number;
  /** Of the newest event that retention has removed; 0: none. */
  readonly prunedSeq: number;
  /** The next page of matching records after `seq`. */
  readAfter(seq: number, filter: EventFilter | undefined): LogPage;
  cursor(seq: number): Cursor;
}

/** Where a reader begins. */
export interface Start {
  readonly position: number;
  /** What it is told first. */
  readonly gap?: GapEvent | undefined;
}

/** An event on its way to whoever is live. */
export interface LiveRecord extends EventRecord<DurableEvent | EphemeralEvent> {
  readonly sessionSource: string;
}

/**
 * From the log to its readers. Readers that are at the end of the log and have the same filter form a group: what
 * happens in a tick is one batch for all of them. Whoever has no room leaves its group and costs nothing until it
 * asks again; it then reads the log by itself, and joins at its end (SPEC BUS4, BUS7).
 */
export class FanOut {
  readonly log: ReadableLog;
  readonly #live = new LiveText();
  readonly #groups = new GroupIndex();
  #fresh: LiveRecord[] = []; // in order, not yet handed out; durable ones are committed
  #isScheduled = false;
  #ephemeralCount = 0;
  #lastPage: (LogPage & { readonly group: ReaderGroup; readonly seq: number; readonly head: number }) | undefined;

  constructor(log: ReadableLog) {
    this.log = log;
  }

  /** Records that were just committed go out now: somebody waits for them. */
  publish(records: readonly StoredRecord[]): void {
    for (const record of records) {
      this.#live.settle(record);
      this.#fresh.push(record);
    }
    this.flush();
  }

  /** Deltas of a tick go out together. */
  broadcast(event: EphemeralEvent, sessionSource: string): void {
    this.#live.add(event, sessionSource);
    this.#fresh.push({ cursor: this.#ephemeralCursor(this.log.head), event, sessionSource });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  follow(start: Start, filter: EventFilter | undefined, reader: EventReader): Follower {
    const group = this.#groups.join(filter);
    const follower = new Follower({ fanOut: this, group, reader }, start);
    follower.resume();
    return follower;
  }

  leave(group: ReaderGroup): void {
    this.#groups.leave(group);
  }

  /** Readers that come back together, after a restart say, are at the same place: they share the page. */
  readPage(group: ReaderGroup, seq: number): LogPage {
    const { head } = this.log;
    const last = this.#lastPage;
    if (last?.group === group && last.seq === seq && last.head === head) return last;
    this.#lastPage = { ...this.log.readAfter(seq, group.filter), group, seq, head };
    return this.#lastPage;
  }

  /** Hands out what has come since the last time. */
  flush(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    const concerned: ReaderGroup[] = [];
    const add = (group: ReaderGroup, record: LiveRecord): void => {
      if (group.add(record)) concerned.push(group);
    };
    for (const record of fresh) this.#groups.forEach(record, add);
    for (const group of concerned) group.give(this.log.head);
  }

  /** Texts that are being written now, whole. */
  liveText(filter: EventFilter | undefined, position: number): EventBatch {
    return this.#live.snapshot(filter).map((event) => this.ephemeral(position, event));
  }

  /** The count makes ids unique among all readers: a client that moves between sockets compares them. */
  ephemeral<E extends EventRecord["event"]>(position: number, event: E): EventRecord<E> {
    return { cursor: this.#ephemeralCursor(position), event };
  }

  #ephemeralCursor(position: number): Cursor {
    this.#ephemeralCount += 1;
    return `${this.log.cursor(position)}.${this.#ephemeralCount}`;
  }
}
