import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import {
  BotError,
  type DurableEvent,
  type EventFilter,
  eventJson,
  homeSession,
  parseStoredEvent,
} from "@my-bot/protocol";
import { formatCursor } from "./cursor.ts";
import type { LogRecord } from "./event-bus.ts";
import { eventChecksum } from "./event-checksum.ts";
import { describeCause } from "./find-damage.ts";
import { type LogPage, takePage } from "./log-page.ts";
import type { SqliteStore } from "./sqlite-store.ts";

export interface StoredRecord extends LogRecord {
  readonly seq: number;
}

type Row = Record<string, SQLOutputValue>;

const COLUMNS = "SELECT seq, session_id, session_source, body, crc FROM events";

/** The `events` and `keys` tables: rows in, records out. Appends belong to the caller's transaction. */
export class SqliteLog {
  readonly epoch: string;
  readonly #reader: DatabaseSync;
  readonly #pages = new Map<string, StatementSync>(); // by WHERE clause
  readonly #insert: StatementSync;
  readonly #insertKey: StatementSync;
  readonly #selectKey: StatementSync;
  readonly #selectLastKey: StatementSync;
  readonly #selectRange: StatementSync;
  readonly #selectBefore: StatementSync;
  readonly #deleteSession: StatementSync;

  constructor({ writer, reader, epoch }: SqliteStore) {
    this.epoch = epoch;
    this.#reader = reader;
    this.#insert = writer.prepare(
      "INSERT INTO events (seq, session_id, session_source, body, crc) VALUES (?, ?, ?, ?, ?)",
    );
    this.#insertKey = writer.prepare("INSERT INTO keys (key, first_seq, last_seq) VALUES (?, ?, ?)");
    this.#selectKey = writer.prepare("SELECT first_seq, last_seq FROM keys WHERE key = ?");
    this.#selectLastKey = writer.prepare("SELECT key FROM keys WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1");
    this.#selectRange = writer.prepare(`${COLUMNS} WHERE seq BETWEEN ? AND ? ORDER BY seq`);
    this.#deleteSession = writer.prepare("DELETE FROM events WHERE session_id = ? AND seq < ?");
    this.#selectBefore = reader.prepare(`${COLUMNS} WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?`);
  }

  /** The newest committed sequence number; 0 when the log is empty. */
  readHead(): number {
    return Number(this.#reader.prepare("SELECT max(seq) AS head FROM events").get()?.head ?? 0);
  }

  readPrunedSeq(): number {
    return Number(this.#reader.prepare("SELECT pruned_seq FROM store WHERE rowid = 1").get()?.pruned_seq ?? 0);
  }

  append(seq: number, event: DurableEvent, sessionSource: string): StoredRecord {
    const body = eventJson(event);
    const sessionId = homeSession(event);
    const crc = eventChecksum({ seq, sessionId, sessionSource, body });
    this.#insert.run(seq, sessionId, sessionSource, body, crc);
    // What a user deletes is gone from the log; its keys stay, so that a late resend is still known.
    if (event.type === "SessionEvent" && event.action === "deleted") this.#deleteSession.run(event.session_id, seq);
    return { seq, cursor: formatCursor({ epoch: this.epoch, seq }), event, sessionSource };
  }

  appendKey(key: string, firstSeq: number, lastSeq: number): void {
    this.#insertKey.run(key, firstSeq, lastSeq);
  }

  hasKey(key: string): boolean {
    return this.#selectKey.get(key) !== undefined;
  }

  lastKey(prefix: string): string | undefined {
    const key = this.#selectLastKey.get(prefix, `${prefix}\u{10FFFF}`)?.key;
    return typeof key === "string" ? key : undefined;
  }

  /** The records that were published under this key, uncommitted ones included; undefined when it is unused. */
  findKey(key: string): StoredRecord[] | undefined {
    const range = this.#selectKey.get(key);
    if (range === undefined) return undefined;
    const rows = this.#selectRange.all(Number(range.first_seq), Number(range.last_seq));
    return rows.map((row) => toRecord(row, this.epoch));
  }

  /** Committed records after `seq` up to `head`, one page of them. Throws BotError when the file cannot be read. */
  readAfter(seq: number, head: number, filter: EventFilter | undefined): LogPage {
    return explainFaults(() => takePage(this.#selectAfter(seq, head, filter), filter, head));
  }

  /** Throws BotError when the file cannot be read. */
  readHistory(sessionId: string, before: number, limit: number): StoredRecord[] {
    return explainFaults(() => {
      const rows = this.#selectBefore.all(sessionId, before, limit);
      return rows.reverse().map((row) => toRecord(row, this.epoch));
    });
  }

  *#selectAfter(seq: number, head: number, filter: EventFilter | undefined): Generator<StoredRecord> {
    const conditions = ["seq > ?", "seq <= ?"];
    const values: (string | number)[] = [seq, head];
    if (filter?.session_id !== undefined) {
      conditions.push("session_id = ?");
      values.push(filter.session_id);
    }
    if (filter?.source !== undefined) {
      conditions.push("session_source = ?");
      values.push(filter.source);
    }
    const where = conditions.join(" AND ");
    const statement = this.#pages.get(where) ?? this.#reader.prepare(`${COLUMNS} WHERE ${where} ORDER BY seq`);
    this.#pages.set(where, statement);
    for (const row of statement.iterate(...values)) yield toRecord(row, this.epoch);
  }
}

/** A row with all of COLUMNS. Throws when it does not match its checksum (SPEC BUS17). */
export function toRecord(row: Row, epoch: string): StoredRecord {
  const seq = Number(row.seq);
  const sessionSource = String(row.session_source);
  const body = String(row.body);
  if (eventChecksum({ seq, sessionId: String(row.session_id), sessionSource, body }) !== row.crc) {
    throw new Error(`event ${seq} does not match its checksum`);
  }
  return { seq, cursor: formatCursor({ epoch, seq }), event: parseStoredEvent(body), sessionSource };
}

/** Damage that shows while the server runs: told to whoever reads as a BotError, never passed over. */
export function explainFaults<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const message = `The log (my-bot.db) cannot be read: ${describeCause(cause)}; the server's owner can run my-bot doctor`;
    throw new BotError("SERVICE_UNAVAILABLE", message, { cause });
  }
}
