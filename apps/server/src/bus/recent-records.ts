import type { EventFilter } from "@my-bot/protocol";
import { matchesFilter } from "./filter.ts";
import type { StoredRecord } from "./sqlite-log.ts";

/** The newest committed records in memory, so that live readers share one object and touch no disk. */
export class RecentRecords {
  readonly #capacity: number;
  #records: StoredRecord[] = []; // consecutive in seq

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(records: readonly StoredRecord[]): void {
    this.#records.push(...records);
    // Cut rarely, at twice the capacity, so that the cost for each record stays constant.
    if (this.#records.length > 2 * this.#capacity) this.#records = this.#records.slice(-this.#capacity);
  }

  /** Matching records after `seq`; undefined when some of them are no longer here. */
  readAfter(seq: number, filter: EventFilter | undefined): StoredRecord[] | undefined {
    const first = this.#records[0];
    if (first === undefined || seq + 1 < first.seq) return undefined;
    return this.#records
      .slice(seq + 1 - first.seq)
      .filter((record) => matchesFilter(record.event, record.sessionSource, filter));
  }
}
