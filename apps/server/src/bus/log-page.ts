import { type EventFilter, eventJson } from "@my-bot/protocol";
import { matchesFilter } from "./filter.ts";
import type { StoredRecord } from "./sqlite-log.ts";

/** Some records of the log, in order. */
export interface LogPage {
  readonly records: readonly StoredRecord[];
  /** How far the log has been looked through. */
  readonly upTo: number;
}

const PAGE_RECORDS = 128;
const PAGE_CHARS = 256 * 1024; // of JSON

/** Those of the next records that match, up to a page; `head` is the end of the log. */
export function takePage(next: Iterable<StoredRecord>, filter: EventFilter | undefined, head: number): LogPage {
  const records: StoredRecord[] = [];
  let count = 0;
  let chars = 0;
  for (const record of next) {
    if (matchesFilter(record.event, record.sessionSource, filter)) records.push(record);
    count += 1;
    chars += eventJson(record.event).length;
    if (count === PAGE_RECORDS || chars > PAGE_CHARS) return { records, upTo: record.seq };
  }
  return { records, upTo: head };
}
