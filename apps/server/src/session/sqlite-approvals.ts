import type { SQLOutputValue } from "node:sqlite";
import type { ApprovalRequestedEvent, ApprovalResolvedEvent } from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";
import type { Projection } from "../bus/sqlite-bus.ts";
import { explainFaults, toRecord } from "../bus/sqlite-log.ts";
import type { SqliteStore } from "../bus/sqlite-store.ts";
import type { ApprovalStore } from "./approval-store.ts";

type Row = Record<string, SQLOutputValue>;

const MOST = 500;
// Of a CROSS JOIN SQLite takes the left side first: the few requests, not the whole log.
const OPEN = `SELECT events.* FROM open_approvals CROSS JOIN events USING (seq)
  WHERE coalesce(session_id = ?, true) ORDER BY seq LIMIT ?`;
const ALLOWED = `SELECT events.* FROM session_approvals AS allowed CROSS JOIN events USING (seq)
  WHERE allowed.session_id = ? ORDER BY seq`;

/** Opens the tables of requests: those that wait, those allowed for a session. They go with the events of their session. */
export function openSqliteApprovals(store: SqliteStore): ApprovalStore & Projection {
  const { writer, reader, epoch } = store;
  const insert = writer.prepare("INSERT INTO open_approvals (seq, approval_id, run_id) VALUES (?, ?, ?)");
  const settle = writer.prepare("DELETE FROM open_approvals WHERE approval_id = ?");
  const endRun = writer.prepare("DELETE FROM open_approvals WHERE run_id = ?");
  const find = reader.prepare("SELECT events.* FROM events JOIN open_approvals USING (seq) WHERE approval_id = ?");
  const list = reader.prepare(OPEN);
  const allow = writer.prepare(
    "INSERT INTO session_approvals (seq, session_id) SELECT seq, ? FROM open_approvals WHERE approval_id = ?",
  );
  const listAllowed = reader.prepare(ALLOWED);
  return {
    apply: ({ seq, event }) => {
      if (event.type === "ApprovalRequestedEvent") insert.run(seq, event.approval_id, event.run_id);
      if (event.type === "ApprovalResolvedEvent") resolve(event);
      if (event.type === "OutboundEvent") endRun.run(event.run_id);
    },
    find: (approvalId) => explainFaults(() => find.all(approvalId).flatMap(toRequest)[0]),
    list: (sessionId) => toEvents(() => list.all(sessionId ?? null, MOST)),
    listAllowed: (sessionId) => toEvents(() => listAllowed.all(sessionId)),
  };

  function resolve({ session_id, approval_id, decision, scope }: ApprovalResolvedEvent): void {
    if (decision === "allow" && scope === "session") allow.run(session_id, approval_id);
    settle.run(approval_id);
  }

  function toEvents(read: () => Row[]): ApprovalRequestedEvent[] {
    return explainFaults(() =>
      read()
        .flatMap(toRequest)
        .map(({ event }) => event),
    );
  }

  function toRequest(row: Row): LogRecord<ApprovalRequestedEvent>[] {
    const { event, ...record } = toRecord(row, epoch);
    return event.type === "ApprovalRequestedEvent" ? [{ ...record, event }] : [];
  }
}
