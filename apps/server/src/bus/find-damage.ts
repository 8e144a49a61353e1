import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { eventChecksum } from "./event-checksum.ts";

/** How many of the newest events a quick check reads. */
const NEWEST_EVENTS = 10_000;

/**
 * What is wrong with a store, in a few words; undefined when nothing is. The quick check looks at every page and counts
 * every event, about a second for a million; it leaves the contents of older events to whoever reads them, and the
 * contents of indexes to the full check (SPEC BUS18).
 */
export function findDamage(database: DatabaseSync, { isFull }: { isFull: boolean }): string | undefined {
  try {
    requireTriggers(database);
    return (
      findBrokenPage(database, isFull) ??
      findMissingEvents(database) ??
      findMissingAttachment(database) ??
      findChangedEvent(database, isFull) ??
      (isFull ? findChangedAttachment(database) : undefined)
    );
  } catch (cause) {
    return describeCause(cause);
  }
}

export function describeCause(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Compiles what runs at each change: throws when the text of it, which no page check reads, is damaged. */
function requireTriggers(database: DatabaseSync): void {
  database.prepare("INSERT INTO events SELECT * FROM events");
  database.prepare("DELETE FROM events");
}

function findBrokenPage(database: DatabaseSync, isFull: boolean): string | undefined {
  const row = database.prepare(`PRAGMA ${isFull ? "integrity" : "quick"}_check(1)`).get();
  const [result] = Object.values(row ?? {}).map(String);
  return result === "ok" ? undefined : (result?.replace(/\s+/g, " ").trim() ?? "it cannot be checked");
}

function findMissingEvents(database: DatabaseSync): string | undefined {
  const row = database
    .prepare(
      `SELECT store.events AS expected, found.events AS found, store.crc_sum = found.crc_sum AS is_same
       FROM store, (SELECT count(*) AS events, coalesce(sum(crc), 0) AS crc_sum FROM events) AS found`,
    )
    .get();
  if (row === undefined) return "it does not say how many events it has";
  if (row.expected !== row.found) return `it has ${row.found} events and should have ${row.expected}`;
  return row.is_same === 1 ? undefined : "its events are not those that were stored";
}

function findMissingAttachment(database: DatabaseSync): string | undefined {
  const row = database
    .prepare("SELECT seq FROM attachment_uses WHERE attachment_id NOT IN (SELECT id FROM attachments) LIMIT 1")
    .get();
  return row && `an image of event ${row.seq} is missing`;
}

function findChangedAttachment(database: DatabaseSync): string | undefined {
  for (const { id, data } of database.prepare("SELECT id, data FROM attachments").iterate()) {
    const isSame = data instanceof Uint8Array && createHash("sha256").update(data).digest("hex") === id;
    if (!isSame) return `the image ${id} is not what was stored`;
  }
  return undefined;
}

function findChangedEvent(database: DatabaseSync, isFull: boolean): string | undefined {
  const statement = database.prepare(
    "SELECT seq, session_id, session_source, body, crc FROM events ORDER BY seq DESC LIMIT ?",
  );
  for (const row of statement.iterate(isFull ? -1 : NEWEST_EVENTS)) {
    const { seq, session_id, session_source, body, crc } = row;
    const fields = { sessionId: String(session_id), sessionSource: String(session_source), body: String(body) };
    if (eventChecksum({ seq: Number(seq), ...fields }) !== crc) return `event ${seq} does not match its checksum`;
  }
  return undefined;
}
