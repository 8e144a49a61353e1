import type { BotEvent, DeltaEvent, EventFilter, EventRecord, GapEvent } from "@my-bot/protocol";
import { matchesFilter } from "./filter.ts";
import type { StoredRecord } from "./sqlite-log.ts";

/** What a subscriber needs of the bus that it reads from. */
export interface SubscribedLog {
  /** Sequence number of the newest committed event. */
  readonly head: number;
  /** Matching records after `seq`, some at a time; `upTo` is how far the log has been looked through. */
  readAfter(seq: number, filter: EventFilter | undefined): { records: readonly StoredRecord[]; upTo: number };
  /** Texts that are being written now, whole. */
  liveText(filter: EventFilter | undefined): readonly DeltaEvent[];
  /** An id for an event that is not in the log, after `seq`. */
  ephemeralCursor(seq: number): string;
}

interface Pending {
  readonly after: number; // goes out once the log up to here has
  readonly event: BotEvent;
}

const MAX_PENDING = 1024;

/**
 * One reader: a position in the log that advances as the reader asks, and a short lane for what is live only.
 * The log is the queue, so a slow reader costs a constant: deltas that overflow the lane are dropped and made good
 * by one delta with the whole text once the reader has caught up (SPEC BUS5, BUS7).
 */
export class Subscriber {
  readonly #log: SubscribedLog;
  readonly #filter: EventFilter | undefined;
  #position: number;
  #page: StoredRecord[] = [];
  #pageEnd: number;
  #pending: Pending[] = [];
  #isLive = false;
  #hasSynced = false;
  #wake: (() => void) | undefined;

  constructor(log: SubscribedLog, options: { position: number; filter: EventFilter | undefined; gap?: GapEvent }) {
    this.#log = log;
    this.#filter = options.filter;
    this.#position = options.position;
    this.#pageEnd = options.position;
    if (options.gap) this.#pending.push({ after: options.position, event: options.gap });
  }

  /** Called for every broadcast; `head` is the newest committed event at this moment. */
  offer(event: DeltaEvent, sessionSource: string, head: number): void {
    if (!this.#isLive || !matchesFilter(event, sessionSource, this.#filter)) return;
    this.#pending.push({ after: head, event });
    if (this.#pending.length > MAX_PENDING) {
      this.#pending = this.#pending.filter((pending) => pending.event.type !== "DeltaEvent");
      this.#isLive = false;
    }
    this.wake();
  }

  /** Events up to `seq` were removed: a reader that had some of them before it begins again. */
  restartBefore(seq: number, gap: GapEvent): void {
    if (this.#position === 0 || this.#position >= seq) return;
    this.#position = 0;
    this.#page = [];
    this.#pageEnd = 0;
    this.#pending = [{ after: 0, event: gap }];
    this.#isLive = false;
    this.#hasSynced = false;
    this.wake();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves at the next `wake`; ask `take` first. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The next record, or undefined when there is none now. */
  take(): EventRecord | undefined {
    for (;;) {
      // Looking through the log may move the position past events of others, up to a pending one.
      const record = this.#takePending() ?? this.#takeStored() ?? this.#takePending();
      if (record || this.#isLive) return record;
      this.#goLive();
    }
  }

  #takePending(): EventRecord | undefined {
    const pending = this.#pending[0];
    if (pending === undefined || pending.after > this.#position) return undefined;
    this.#pending.shift();
    return { cursor: this.#log.ephemeralCursor(this.#position), event: pending.event };
  }

  #takeStored(): StoredRecord | undefined {
    while (this.#page.length === 0 && this.#pageEnd < this.#log.head) {
      const { records, upTo } = this.#log.readAfter(this.#pageEnd, this.#filter);
      this.#page = [...records];
      this.#pageEnd = upTo;
    }
    const record = this.#page.shift();
    this.#position = record?.seq ?? this.#pageEnd;
    return record;
  }

  #goLive(): void {
    this.#isLive = true;
    const after = this.#position;
    if (!this.#hasSynced) this.#pending.push({ after, event: { type: "SyncedEvent" } });
    this.#hasSynced = true;
    for (const event of this.#log.liveText(this.#filter)) this.#pending.push({ after, event });
  }
}
