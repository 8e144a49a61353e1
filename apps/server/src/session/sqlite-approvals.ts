import type { SQLOutputValue } from "node:sqlite";
import type { ApprovalRequestedEvent } from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";
import type { Projection } from "../bus/sqlite-bus.ts";
import { explainFaults, toRecord } from "../bus/sqlite-log.ts";
import type { SqliteStore } from "../bus/sqlite-store.ts";
import type { ApprovalStore } from "./approval-store.ts";

type Row = Record<string, SQLOutputValue>;

const MOST = 500;
const OPEN =
  "SELECT events.* FROM events JOIN open_approvals USING (seq) WHERE coalesce(session_id = ?, true) ORDER BY seq LIMIT ?";

/** Opens the table of the requests that wait; requests of a deleted session go with its events. */
export function openSqliteApprovals(store: SqliteStore): ApprovalStore & Projection {
  const { writer, reader, epoch } = store;
  const insert = writer.prepare("INSERT INTO open_approvals (seq, approval_id, run_id) VALUES (?, ?, ?)");
  const settle = writer.prepare("DELETE FROM open_approvals WHERE approval_id = ?");
  const endRun = writer.prepare("DELETE FROM open_approvals WHERE run_id = ?");
  const find = reader.prepare("SELECT events.* FROM events JOIN open_approvals USING (seq) WHERE approval_id = ?");
  const list = reader.prepare(OPEN);
  return {
    apply: ({ seq, event }) => {
      if (event.type === "ApprovalRequestedEvent") insert.run(seq, event.approval_id, event.run_id);
      if (event.type === "ApprovalResolvedEvent") settle.run(event.approval_id);
      if (event.type === "OutboundEvent") endRun.run(event.run_id);
    },
    find: (approvalId) => explainFaults(() => find.all(approvalId).flatMap(toRequest)[0]),
    list: (sessionId) =>
      explainFaults(() =>
        list
          .all(sessionId ?? null, MOST)
          .flatMap(toRequest)
          .map(({ event }) => event),
      ),
  };

  function toRequest(row: Row): LogRecord<ApprovalRequestedEvent>[] {
    const { event, ...record } = toRecord(row, epoch);
    return event.type === "ApprovalRequestedEvent" ? [{ ...record, event }] : [];
  }
}
