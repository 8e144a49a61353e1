import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { type DurableEvent, type InboundEvent, type PostedEvent, parseStoredEvent } from "@my-bot/protocol";
import type { SqliteStore } from "./sqlite-store.ts";

/** What is kept; what is not given has no limit. */
export interface KeepLimits {
  readonly days?: number | undefined;
  readonly megabytes?: number | undefined;
}

const RUNS_AT_ONCE = 50; // a transaction of some milliseconds
const DAY_SECONDS = 24 * 60 * 60;
const MEGABYTE = 1024 * 1024;

interface Pruned {
  /** The last event that was removed; undefined when nothing was. */
  readonly upTo: number | undefined;
  /** Where the next call goes on. */
  readonly position: number;
  readonly hasMore: boolean;
}

/**
 * Removes the oldest runs, whole and finished ones only, some at a time. What tells of sessions stays, and so do the
 * keys. The caller has no transaction open.
 */
export function pruneLog({ writer }: SqliteStore, keep: KeepLimits, position: number): Pruned {
  const before = keep.days === undefined ? 0 : Date.now() / 1000 - keep.days * DAY_SECONDS;
  const isTooLarge = keep.megabytes !== undefined && usedBytes() > keep.megabytes * MEGABYTE;
  const messages = writer.prepare(
    `SELECT seq, session_id, body FROM events
     WHERE seq > ? AND seq < coalesce((SELECT min(seq) FROM open_runs), 9e15) ORDER BY seq`,
  );
  const runs: number[][] = [];
  let at = position;
  let hasMore = false;
  for (const row of messages.iterate(position)) {
    const event = parseStoredEvent(String(row.body));
    if (!isTooLarge && event.timestamp >= before) break;
    if (beginsWhole(event)) {
      hasMore = runs.length === RUNS_AT_ONCE;
      const run = hasMore ? undefined : findWhole(writer, row, event);
      if (run === undefined) break;
      runs.push(run);
    }
    at = Number(row.seq);
  }
  const upTo = runs.length > 0 ? removeAll(runs.flat()) : undefined;
  return { upTo, position: at, hasMore };

  function removeAll(seqs: readonly number[]): number {
    const last = Math.max(...seqs);
    writer.exec("BEGIN IMMEDIATE");
    try {
      const remove = writer.prepare("DELETE FROM events WHERE seq = ?");
      for (const seq of seqs) remove.run(seq);
      writer.prepare("UPDATE store SET pruned_seq = max(pruned_seq, ?) WHERE rowid = 1").run(last);
      writer.exec("COMMIT");
      return last;
    } finally {
      if (writer.isTransaction) writer.exec("ROLLBACK");
    }
  }

  /** Without pages that are free for new events: the file itself does not shrink. */
  function usedBytes(): number {
    const pragma = (name: string) => Number(Object.values(writer.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }
}

type Row = Record<string, SQLOutputValue>;

function beginsWhole(event: DurableEvent): event is InboundEvent | PostedEvent {
  return event.type === "InboundEvent" || event.type === "PostedEvent";
}

/** What goes together; undefined while it is the last thing in the log, whose number must not be given again. */
function findWhole(writer: DatabaseSync, row: Row, event: InboundEvent | PostedEvent): number[] | undefined {
  // what was said unasked belongs to no run of its session
  const seqs = event.type === "InboundEvent" ? findRun(writer, row, event.run_id) : [Number(row.seq)];
  const { head } = writer.prepare("SELECT max(seq) AS head FROM events").get() ?? {};
  return seqs.at(-1) === head ? undefined : seqs;
}

/** All events of a run. */
function findRun(writer: DatabaseSync, inbound: Row, runId: string): number[] {
  const rest = writer.prepare("SELECT seq, body FROM events WHERE session_id = ? AND seq >= ? ORDER BY seq");
  const seqs: number[] = [];
  for (const { seq, body } of rest.iterate(inbound.session_id ?? "", inbound.seq ?? 0)) {
    const event = parseStoredEvent(String(body));
    if (!("run_id" in event) || event.run_id !== runId) continue;
    seqs.push(Number(seq));
    if (event.type === "RunEndedEvent") break;
  }
  return seqs;
}
