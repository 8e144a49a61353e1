import { type EventFilter, eventJson } from "@my-bot/protocol";
import { type LogPage, takePage } from "./log-page.ts";
import type { StoredRecord } from "./sqlite-log.ts";

export interface RecentLimits {
  readonly records: number;
  readonly chars: number; // of JSON in all
}

/** The newest committed records in memory, so that live readers share one object and touch no disk. */
export class RecentRecords {
  readonly #limits: RecentLimits;
  #records: StoredRecord[] = []; // consecutive in seq
  #first = 0; // index of the oldest one that still counts
  #chars = 0; // of those that count

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  add(records: readonly StoredRecord[]): void {
    for (const record of records) {
      if (record.event.type === "SessionEvent" && record.event.action === "deleted") this.#forgetAll();
      this.#records.push(record);
      this.#chars += eventJson(record.event).length;
    }
    const { records: maxRecords, chars: maxChars } = this.#limits;
    while (this.#records.length - this.#first > maxRecords || this.#chars > maxChars) this.#drop();
    // Moving the rest to the front costs its length, so it waits until as many have been dropped.
    if (this.#first * 2 < this.#records.length) return;
    this.#records = this.#records.slice(this.#first);
    this.#first = 0;
  }

  /** Drops the records up to `seq`, and with them those that are no longer in the log. */
  forget(seq: number): void {
    this.#records = this.#records.filter((record) => record.seq > seq);
  }

  /** The next page of matching records after `seq`; undefined when some of them are no longer here. */
  readAfter(seq: number, filter: EventFilter | undefined): LogPage | undefined {
    const oldest = this.#records[this.#first];
    const newest = this.#records.at(-1);
    if (oldest === undefined || newest === undefined || seq + 1 < oldest.seq) return undefined;
    return takePage(this.#from(this.#first + seq + 1 - oldest.seq), filter, newest.seq);
  }

  *#from(index: number): Generator<StoredRecord> {
    for (let i = index; i < this.#records.length; i++) {
      const record = this.#records[i];
      if (record) yield record;
    }
  }

  /** What a deleted session leaves would be a hole in the sequence. */
  #forgetAll(): void {
    this.#records = [];
    this.#first = 0;
    this.#chars = 0;
  }

  #drop(): void {
    const record = this.#records[this.#first];
    if (record === undefined) return;
    this.#chars -= eventJson(record.event).length;
    this.#first += 1;
  }
}
