import type { DurableEvent, EventBatch, EventRecord } from "@my-bot/protocol";
import { expect, test, vi } from "vitest";
import { runRetention } from "../../src/bus/retention.ts";
import { openSqliteBus, type PrunableBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound, outbound, session } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";

const SOURCE = { sessionSource: "platform-ws:test" };
const LONG_AGO = 1000;
const NOW = Date.now() / 1000;

function open(dir: string) {
  const store = openSqliteStore(dir);
  const sessions = openSqliteSessions(store);
  return { store, sessions, bus: openSqliteBus(store, [sessions]) };
}

function ended(run_id: string, timestamp: number): DurableEvent {
  return { type: "RunEndedEvent", session_id: "s1", run_id, status: "completed", usage: null, timestamp };
}

/** Three events under a key of their own. */
async function publishRun(bus: PrunableBus, run_id: string, timestamp: number, content = run_id): Promise<string> {
  const { records } = await bus.publish([inbound({ run_id, timestamp, content })], { ...SOURCE, key: run_id });
  await bus.publish([outbound({ run_id, timestamp, content }), ended(run_id, timestamp)], SOURCE);
  return records[0]?.cursor ?? "";
}

/** Said in the session `s1` by a run of another one. */
function posted(timestamp: number): DurableEvent {
  const call = { run_id: "elsewhere", turn: 0, tool_call_id: "call_a" };
  return {
    type: "PostedEvent",
    session_id: "s1",
    source: "agent:pickle",
    content: "Hi",
    timestamp,
    error: null,
    ...call,
  };
}

function pruneAll(bus: PrunableBus, keep: Parameters<PrunableBus["prune"]>[0]): void {
  while (bus.prune(keep));
}

async function readAll(bus: PrunableBus, after: string): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for await (const record of bus.subscribe({ after, signal: new AbortController().signal })) {
    if (record.event.type === "SyncedEvent") break;
    records.push(record);
  }
  return records;
}

const told = (records: readonly EventRecord[]) =>
  records.map(({ event }) => ("run_id" in event ? `${event.type} ${event.run_id}` : event.type));

test("[BUS23] [BUS6] runs older than the days to keep go, whole; an open one, the session and the keys stay", async () => {
  using dir = tempDir();
  const first = open(dir.path);
  await first.bus.publish([session({ timestamp: LONG_AGO })], SOURCE);
  for (let i = 0; i < 120; i++) await publishRun(first.bus, `old-${i}`, LONG_AGO);
  await first.bus.publish([inbound({ run_id: "open", timestamp: LONG_AGO })], SOURCE);
  const behindOpen = await publishRun(first.bus, "behind", LONG_AGO);
  await publishRun(first.bus, "new", NOW);
  const cursors = (await readAll(first.bus, "0")).map(({ cursor }) => cursor);
  pruneAll(first.bus, {});
  expect(await readAll(first.bus, "0")).toHaveLength(cursors.length); // without a limit nothing goes
  pruneAll(first.bus, { days: 30 });
  const kept = ["SessionEvent", "InboundEvent open", "InboundEvent behind", "OutboundEvent behind"];
  expect(told(await readAll(first.bus, "0")).slice(0, 4)).toEqual(kept);
  expect(first.sessions.get("s1")).toMatchObject({ title: "old-0", message_count: 245, open_runs: 1 });
  await first.bus.close();

  const { bus } = open(dir.path); // intact: the totals fit what is left
  const missed = await readAll(bus, cursors[10] ?? "");
  expect(missed[0]?.event).toEqual({ type: "GapEvent", reason: "pruned" });
  expect(told(missed).slice(1, 5)).toEqual(kept);
  expect(told(await readAll(bus, behindOpen))[0]).toBe("OutboundEvent behind");
  expect(await bus.publish([inbound()], { ...SOURCE, key: "old-3" })).toEqual({ records: [], duplicate: true });
  await bus.publish([outbound({ run_id: "open" }), ended("open", LONG_AGO)], SOURCE);
  pruneAll(bus, { days: 30 });
  expect(told(await readAll(bus, "0")).slice(0, 3)).toEqual(kept.slice(0, 3)); // its end is the last of the log
  await publishRun(bus, "newest", NOW);
  pruneAll(bus, { days: 30 });
  const types = ["InboundEvent", "OutboundEvent", "RunEndedEvent"];
  const left = ["new", "newest"].flatMap((run) => types.map((type) => `${type} ${run}`));
  expect(told(await readAll(bus, "0"))).toEqual(["SessionEvent", ...left]);
  await bus.close();
});

test("[BUS23] a log beyond the megabytes to keep loses its oldest runs until it fits, by itself as soon as the limit is there", async () => {
  using dir = tempDir();
  const { bus } = open(dir.path);
  for (let i = 0; i < 300; i++) await publishRun(bus, `${i}`, NOW, "x".repeat(10_000));
  const stop = new AbortController();
  const errors: unknown[] = [];
  let limits = {};
  const edit = new AbortController();
  const keep = () => ({ limits, changed: edit.signal.aborted ? new AbortController().signal : edit.signal });
  const removeUnused = vi.fn();
  const keeping = runRetention({ bus, keep, removeUnused, onError: (error) => errors.push(error) }, stop.signal);
  limits = { megabytes: 3 };
  edit.abort();
  await vi.waitFor(() => expect(bus.history({ sessionId: "s1" }).length).toBeLessThan(450), { timeout: 10_000 });
  expect(bus.prune(limits)).toBe(false);
  const records = await readAll(bus, "0");
  expect(records.length).toBeGreaterThan(150);
  expect(told(records).at(-1)).toBe("RunEndedEvent 299");
  expect(records.length % 3).toBe(0);
  stop.abort();
  await keeping;
  expect(errors).toEqual([]);
  await bus.close();
});

test("[BUS6] [BUS23] a reader that is behind when events are removed is told, and goes on with what is kept", async () => {
  using dir = tempDir();
  const { bus } = open(dir.path);
  const cursor = await publishRun(bus, "first", LONG_AGO);
  for (let i = 0; i < 60; i++) await publishRun(bus, `old-${i}`, LONG_AGO); // more than one page
  await publishRun(bus, "new", NOW);
  const next: EventRecord[] = [];
  const take = (batch: EventBatch): boolean => next.push(...batch) > batch.length; // no room after the first batch
  const following = bus.follow({ after: cursor }, { take, fail: () => undefined });
  expect(told(next.splice(0))[0]).toBe("OutboundEvent first");
  pruneAll(bus, { days: 30 });
  while (told(next).at(-1) !== "SyncedEvent") following.resume();
  expect(next[0]?.event).toEqual({ type: "GapEvent", reason: "pruned" });
  const expected = ["GapEvent", "InboundEvent new", "OutboundEvent new", "RunEndedEvent new", "SyncedEvent"];
  expect(told(next)).toEqual(expected);
  following.stop();
  await bus.close();
});

test("[BUS23] what was said unasked is removed as well when its time is over", async () => {
  using dir = tempDir();
  const { bus } = open(dir.path);
  await bus.publish([session(), posted(LONG_AGO)], SOURCE);
  await publishRun(bus, "old", LONG_AGO);
  await bus.publish([posted(NOW)], SOURCE);
  pruneAll(bus, { days: 1 });
  expect((await readAll(bus, "0")).map(({ event }) => event.type)).toEqual(["SessionEvent", "PostedEvent"]);
  await bus.close();
});
