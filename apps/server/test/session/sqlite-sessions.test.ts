import type { RunEndedEvent } from "@my-bot/protocol";
import { expect, test } from "vitest";
import type { EventBus } from "../../src/bus/event-bus.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import type { SessionStore } from "../../src/session/session-store.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound, outbound, session } from "../support/events.ts";
import { type TempDir, tempDir } from "../support/temp-dir.ts";

const SOURCE = { sessionSource: "platform-ws:test" };

function open(dir: TempDir): { bus: EventBus; sessions: SessionStore } {
  const store = openSqliteStore(dir.path);
  const sessions = openSqliteSessions(store);
  return { bus: openSqliteBus(store, [sessions]), sessions };
}

test("[SES1] a source is bound to its first session, seen at once by the writer, and free again after a delete", async () => {
  using dir = tempDir();
  const { bus, sessions } = open(dir);
  const created = bus.publish([session()], SOURCE);
  expect(sessions.resolve("platform-ws:test")).toMatchObject({ session_id: "s1", agent_id: "pickle" });
  expect(sessions.get("s1")).toBeUndefined(); // views show what is committed
  await created;
  await bus.publish([session({ session_id: "s2" })], SOURCE);
  expect(sessions.resolve("platform-ws:test")?.session_id).toBe("s1");
  expect(sessions.owner("s2")?.source).toBe("platform-ws:test");
  await bus.publish([session({ action: "deleted" })], SOURCE);
  expect([sessions.resolve("platform-ws:test"), sessions.owner("s1"), sessions.get("s1")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  await bus.close();
});

test("[SES4] the sessions of tasks are found at any depth, seen at once by the writer", async () => {
  using dir = tempDir();
  const { bus, sessions } = open(dir);
  await bus.publish([session(), session({ session_id: "s2" })], SOURCE);
  const child = bus.publish([session({ session_id: "s3", parent_session_id: "s1" })], SOURCE);
  const grandchild = bus.publish([session({ session_id: "s4", parent_session_id: "s3" })], SOURCE);
  const idsBelow = (id: string): string[] => sessions.descendants(id).map(({ session_id }) => session_id);
  expect(["s1", "s2", "s3"].map(idsBelow)).toEqual([["s3", "s4"], [], ["s4"]]);
  await Promise.all([child, grandchild]);
  await bus.close();
});

test("[SES2] the title is the first message, cut at 50 characters and never within one; a name wins", async () => {
  using dir = tempDir();
  const { bus, sessions } = open(dir);
  await bus.publish([session(), inbound({ content: "🐈".repeat(60) }), inbound({ content: "second" })], SOURCE);
  expect(sessions.get("s1")?.title).toBe("🐈".repeat(50));
  await bus.publish([session({ action: "renamed", title: "Cats" })], SOURCE);
  expect(sessions.get("s1")?.title).toBe("Cats");
  await bus.publish([session({ session_id: "s2", title: "Named" }), inbound({ session_id: "s2" })], SOURCE);
  expect(sessions.get("s2")?.title).toBe("Named");
  await bus.close();
});

test("[SES3] [BUS17] the messages that wait are given in the order of the log, never a damaged one", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const sessions = openSqliteSessions(store);
  const bus = openSqliteBus(store, [sessions]);
  const messages = ["z", "a", "m"].map((run_id) => inbound({ run_id, content: run_id }));
  await bus.publish([session(), ...messages], SOURCE);
  await bus.publish([session({ session_id: "s2" }), inbound({ session_id: "s2" })], SOURCE);
  await bus.publish([outbound({ run_id: "a" })], SOURCE);
  expect(sessions.openMessages("s1", 10)).toEqual([messages[0], messages[2]]);
  expect(sessions.openMessages("s1", 1)).toEqual([messages[0]]);
  expect(sessions.openMessages("s3", 10)).toEqual([]);
  store.writer.exec("UPDATE events SET body = replace(body, 'Hi', 'Ho'), crc = crc + 1 WHERE seq = 2");
  expect(() => sessions.openMessages("s1", 10)).toThrow("event 2 does not match its checksum");
  await bus.close();
});

test("[SES3] open runs are counted, and found again after a restart from the oldest one on", async () => {
  using dir = tempDir();
  const first = open(dir);
  await first.bus.publish([session(), inbound({ run_id: "r1" }), inbound({ run_id: "r2" })], SOURCE);
  await first.bus.publish([outbound({ run_id: "r1" })], SOURCE);
  expect(first.sessions.owner("s1")?.open_runs).toBe(1);
  expect([first.sessions.isOpen("r1"), first.sessions.isOpen("r2")]).toEqual([false, true]);
  await first.bus.close();
  const { bus, sessions } = open(dir);
  expect(sessions.get("s1")).toMatchObject({ message_count: 3, open_runs: 1 });
  expect(sessions.resumeCursor()).toMatch(/-2$/);
  await bus.publish([outbound({ run_id: "r2" })], SOURCE);
  expect(sessions.resumeCursor()).toMatch(/-5$/); // nothing is open: the end of the log
  await bus.close();
});

test("[LLM6] a session has the sums of its runs; another currency begins a new sum of costs", async () => {
  using dir = tempDir();
  const { bus, sessions } = open(dir);
  const end = (account: Pick<RunEndedEvent, "usage" | "cost" | "currency">): RunEndedEvent => {
    const ids = { session_id: "s1", run_id: "r", status: "completed", timestamp: 2 } as const;
    return { type: "RunEndedEvent", ...ids, ...account };
  };
  await bus.publish([session()], SOURCE);
  expect(sessions.get("s1")).toMatchObject({ usage: { input_tokens: 0, output_tokens: 0 }, cost: null });
  const usage = { input_tokens: 10, output_tokens: 3 };
  await bus.publish(
    [end({ usage, cost: 0.5, currency: "EUR" }), end({ usage, cost: null }), end({ usage: null })],
    SOURCE,
  );
  await bus.publish([end({ usage, cost: 0.25, currency: "EUR" })], SOURCE);
  const sums = { usage: { input_tokens: 30, output_tokens: 9 } };
  expect(sessions.get("s1")).toMatchObject({ ...sums, cost: 0.75, currency: "EUR" });
  await bus.publish([end({ usage: null, cost: 0.125, currency: "USD" })], SOURCE);
  expect(sessions.get("s1")).toMatchObject({ ...sums, cost: 0.125, currency: "USD" });
  await bus.close();
});
