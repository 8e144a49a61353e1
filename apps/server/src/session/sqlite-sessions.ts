import type { SQLOutputValue, StatementSync } from "node:sqlite";
import {
  BotError,
  type Cursor,
  type InboundEvent,
  type ListSessionsInput,
  type RunEndedEvent,
  type SessionEvent,
  type SessionPage,
  type SessionView,
} from "@my-bot/protocol";
import { formatCursor } from "../bus/cursor.ts";
import type { Projection } from "../bus/sqlite-bus.ts";
import { explainFaults, type StoredRecord, toRecord } from "../bus/sqlite-log.ts";
import type { SqliteStore } from "../bus/sqlite-store.ts";
import { firstCharacters } from "./first-characters.ts";
import type { SessionOwner, SessionStore } from "./session-store.ts";

type Row = Record<string, SQLOutputValue>;

const TITLE_CHARACTERS = 50;

/** Opens the session tables of a store: reads for the gateway and the worker, and the fold that the bus calls. */
export function openSqliteSessions(store: SqliteStore): SessionStore & Projection {
  const write = prepareWrites(store);
  const read = prepareReads(store);
  const cursor = (seq: number): Cursor => formatCursor({ epoch: store.epoch, seq });

  return {
    apply: (record) => applyRecord(write, record),
    resolve: (source) => toOwner(read.resolve.get(source)),
    owner: (sessionId) => toOwner(read.owner.get(sessionId)),
    descendants: (sessionId) => read.descendants.all(sessionId).flatMap((row) => toOwner(row) ?? []),
    get: (sessionId) => toView(read.get.get(sessionId)),
    openMessages: (sessionId, limit) =>
      explainFaults(() =>
        read.openMessages.all(sessionId, limit).flatMap((row) => toInbound(toRecord(row, store.epoch))),
      ),
    list: (input) => listSessions(read.list, input),
    isOpen: (runId) => read.isOpen.get(runId) !== undefined,
    resumeCursor: () => cursor(Number(read.resume.get()?.seq ?? 0)),
  };
}

function prepareWrites({ writer }: SqliteStore) {
  return {
    create: writer.prepare(
      `INSERT INTO sessions (session_id, source, agent_id, title, created_at, updated_at, parent_session_id)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    claimSource: writer.prepare("INSERT OR IGNORE INTO source_sessions (source, session_id) VALUES (?, ?)"),
    rename: writer.prepare("UPDATE sessions SET title = ? WHERE session_id = ?"),
    changeAgent: writer.prepare("UPDATE sessions SET agent_id = ? WHERE session_id = ?"),
    changeModel: writer.prepare("UPDATE sessions SET model = ? WHERE session_id = ?"),
    delete: writer.prepare("DELETE FROM sessions WHERE session_id = ?"),
    releaseSource: writer.prepare("DELETE FROM source_sessions WHERE session_id = ?"),
    inbound: writer.prepare(
      `UPDATE sessions SET title = coalesce(title, ?), updated_at = ?,
       message_count = message_count + 1, open_runs = open_runs + 1 WHERE session_id = ?`,
    ),
    openRun: writer.prepare("INSERT INTO open_runs (seq, run_id) VALUES (?, ?)"),
    outbound: writer.prepare(
      `UPDATE sessions SET updated_at = ?, message_count = message_count + 1, open_runs = open_runs - 1
       WHERE session_id = ?`,
    ),
    posted: writer.prepare(
      "UPDATE sessions SET updated_at = ?, message_count = message_count + 1 WHERE session_id = ?",
    ),
    closeRun: writer.prepare("DELETE FROM open_runs WHERE run_id = ?"),
    used: writer.prepare(
      "UPDATE sessions SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ? WHERE session_id = ?",
    ),
    // Another currency begins a new sum.
    spent: writer.prepare(
      `UPDATE sessions SET cost = CASE WHEN currency = ?1 THEN cost ELSE 0 END + ?2, currency = ?1
       WHERE session_id = ?3`,
    ),
  } satisfies Record<string, StatementSync>;
}

function prepareReads({ writer, reader }: SqliteStore) {
  const owners = "SELECT session_id, source, agent_id, parent_session_id, model, open_runs FROM sessions";
  return {
    resolve: writer.prepare(`${owners} WHERE session_id = (SELECT session_id FROM source_sessions WHERE source = ?)`),
    owner: writer.prepare(`${owners} WHERE session_id = ?`),
    descendants: writer.prepare(
      `WITH RECURSIVE family (member) AS (
         SELECT session_id FROM sessions WHERE parent_session_id = ?
         UNION SELECT session_id FROM sessions JOIN family ON parent_session_id = member
       ) ${owners} JOIN family ON session_id = member`,
    ),
    get: reader.prepare("SELECT * FROM sessions WHERE session_id = ?"),
    openMessages: reader.prepare(
      `SELECT seq, session_id, session_source, body, crc FROM events
       WHERE session_id = ? AND seq >= (SELECT min(seq) FROM open_runs)
         AND EXISTS (SELECT 1 FROM open_runs WHERE open_runs.seq = events.seq)
       ORDER BY seq LIMIT ?`,
    ),
    list: reader.prepare(
      `SELECT * FROM sessions WHERE (updated_at, session_id) < (?, ?)
       ORDER BY updated_at DESC, session_id DESC LIMIT ?`,
    ),
    isOpen: reader.prepare("SELECT 1 FROM open_runs WHERE run_id = ?"),
    // Without open runs: the end of the log.
    resume: reader.prepare(
      "SELECT coalesce((SELECT min(seq) - 1 FROM open_runs), (SELECT max(seq) FROM events), 0) AS seq",
    ),
  } satisfies Record<string, StatementSync>;
}

function applyRecord(write: ReturnType<typeof prepareWrites>, { seq, event }: StoredRecord): void {
  switch (event.type) {
    case "SessionEvent":
      applySessionEvent(write, event);
      return;
    case "InboundEvent":
      write.inbound.run(firstCharacters(event.content, TITLE_CHARACTERS) || null, event.timestamp, event.session_id);
      write.openRun.run(seq, event.run_id);
      return;
    case "OutboundEvent":
      write.outbound.run(event.timestamp, event.session_id);
      write.closeRun.run(event.run_id);
      return;
    case "PostedEvent":
      write.posted.run(event.timestamp, event.session_id);
      return;
    case "RunEndedEvent":
      applyAccount(write, event);
      return;
    case "RunStartedEvent":
    case "ToolCallEvent":
    case "ToolResultEvent":
    case "DispatchEvent":
    case "DispatchResultEvent":
    case "ApprovalRequestedEvent":
    case "ApprovalResolvedEvent":
      return;
  }
}

function applyAccount(
  write: ReturnType<typeof prepareWrites>,
  { session_id, usage, cost, currency }: RunEndedEvent,
): void {
  if (usage) write.used.run(usage.input_tokens, usage.output_tokens, session_id);
  if (typeof cost === "number" && currency !== undefined) write.spent.run(currency, cost, session_id);
}

function applySessionEvent(write: ReturnType<typeof prepareWrites>, event: SessionEvent): void {
  const { session_id, source, agent_id, title, timestamp, parent_session_id: parent = null, model = null } = event;
  switch (event.action) {
    case "created":
      write.create.run(session_id, source, agent_id, title, timestamp, timestamp, parent);
      if (parent === null) write.claimSource.run(source, session_id); // a dispatched task never goes into an older session
      return;
    case "renamed":
      write.rename.run(title, session_id);
      return;
    case "agent_changed":
      write.changeAgent.run(agent_id, session_id);
      return;
    case "model_changed":
      write.changeModel.run(model, session_id);
      return;
    case "deleted":
      write.delete.run(session_id);
      write.releaseSource.run(session_id);
      return;
    case "cleared":
    case "compacted":
      return;
  }
}

function toInbound({ event }: StoredRecord): InboundEvent | [] {
  return event.type === "InboundEvent" ? event : [];
}

function listSessions(statement: StatementSync, { limit, page }: ListSessionsInput): SessionPage {
  const [updatedAt, sessionId] = page === undefined ? [Number.MAX_VALUE, ""] : parsePage(page);
  const rows = statement.all(updatedAt, sessionId, limit + 1);
  const sessions = rows.slice(0, limit).flatMap((row) => toView(row) ?? []);
  const last = sessions.at(-1);
  return { sessions, next: rows.length > limit && last ? `${last.updated_at}:${last.session_id}` : null };
}

function parsePage(page: string): [number, string] {
  const [, updatedAt, sessionId] = /^(\d+(?:\.\d+)?):(.+)$/.exec(page) ?? [];
  if (updatedAt === undefined || sessionId === undefined) {
    throw new BotError("BAD_REQUEST", "Malformed page; use the `next` of the page before");
  }
  return [Number(updatedAt), sessionId];
}

function toOwner(row: Row | undefined): SessionOwner | undefined {
  return (
    row && {
      session_id: String(row.session_id),
      source: String(row.source),
      agent_id: String(row.agent_id),
      parent_session_id: textOrNull(row.parent_session_id),
      model: textOrNull(row.model),
      open_runs: Number(row.open_runs),
    }
  );
}

function toView(row: Row | undefined): SessionView | undefined {
  return (
    row && {
      session_id: String(row.session_id),
      source: String(row.source),
      agent_id: String(row.agent_id),
      title: textOrNull(row.title),
      created_at: Number(row.created_at),
      updated_at: Number(row.updated_at),
      message_count: Number(row.message_count),
      open_runs: Number(row.open_runs),
      parent_session_id: textOrNull(row.parent_session_id),
      usage: { input_tokens: Number(row.input_tokens), output_tokens: Number(row.output_tokens) },
      cost: row.cost === null ? null : Number(row.cost),
      currency: textOrNull(row.currency),
    }
  );
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
