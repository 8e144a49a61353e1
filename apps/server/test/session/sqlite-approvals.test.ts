import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  type ApprovalRequestedEvent,
  type ApprovalResolvedEvent,
  type DurableEvent,
  eventJson,
} from "@my-bot/protocol";
import { expect, test } from "vitest";
import { eventChecksum } from "../../src/bus/event-checksum.ts";
import { migrate } from "../../src/bus/migrations.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore, STORE_FILE } from "../../src/bus/sqlite-store.ts";
import { openSqliteApprovals } from "../../src/session/sqlite-approvals.ts";
import { outbound, session } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";

const SOURCE = "platform-ws:test";

function requested(approval_id: string, session_id = "s1"): ApprovalRequestedEvent {
  const call = { turn: 0, tool_call_id: approval_id, name: "bash", arguments: "{}" };
  const ids = { session_id, run_id: `run-${approval_id}`, approval_id };
  return { type: "ApprovalRequestedEvent", ...ids, ...call, preview: null, expires_at: 9, timestamp: 1 };
}

function resolved(
  { session_id, run_id, turn, tool_call_id, approval_id }: ApprovalRequestedEvent,
  answer: Pick<ApprovalResolvedEvent, "decision" | "scope">,
): ApprovalResolvedEvent {
  const ids = { session_id, run_id, turn, tool_call_id, approval_id };
  return { type: "ApprovalResolvedEvent", ...ids, ...answer, reason: "answered", by: null, timestamp: 2 };
}

const once = requested("once");
const denied = requested("denied");
const allowed = requested("allowed");
const elsewhere = requested("elsewhere", "s2");
const waiting = requested("waiting");
const EVENTS: DurableEvent[] = [
  ...[once, denied, allowed, elsewhere, waiting],
  resolved(elsewhere, { decision: "allow", scope: "session" }),
  resolved(once, { decision: "allow", scope: "once" }),
  resolved(denied, { decision: "deny", scope: "once" }),
  resolved(allowed, { decision: "allow", scope: "session" }),
  outbound({ run_id: allowed.run_id }),
];

test("[APR6] [APR10] what was allowed for a session is known by it, and what waits is not among it", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const approvals = openSqliteApprovals(store);
  const bus = openSqliteBus(store, [approvals]);
  await bus.publish(EVENTS, { sessionSource: SOURCE });
  expect(approvals.listAllowed("s1")).toEqual([allowed]);
  expect(approvals.listAllowed("s2")).toEqual([elsewhere]);
  expect(approvals.list()).toEqual([waiting]);
  await bus.publish([session({ action: "deleted" })], { sessionSource: SOURCE });
  expect(approvals.listAllowed("s1")).toEqual([]);
  expect(approvals.listAllowed("s2")).toEqual([elsewhere]);
  await bus.close();
});

test("[APR6] a store from before knows what was allowed for its sessions", async () => {
  using dir = tempDir();
  const old = new DatabaseSync(join(dir.path, STORE_FILE));
  migrate(old, STORE_FILE, 10);
  old.prepare("INSERT INTO store (epoch) VALUES ('abc')").run();
  const insert = old.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?)");
  for (const [index, event] of EVENTS.entries()) {
    const row = { seq: index + 1, sessionId: event.session_id, sessionSource: SOURCE, body: eventJson(event) };
    insert.run(row.seq, row.sessionId, row.sessionSource, row.body, eventChecksum(row));
  }
  old.close();

  const store = openSqliteStore(dir.path);
  const approvals = openSqliteApprovals(store);
  expect(approvals.listAllowed("s1")).toEqual([allowed]);
  expect(approvals.listAllowed("s2")).toEqual([elsewhere]);
  store.close();
});
