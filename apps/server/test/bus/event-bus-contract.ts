import type { SubscribeOptions } from "@my-bot/protocol";
import { describe, expect, test } from "vitest";
import type { EventBus } from "../../src/bus/event-bus.ts";
import { delta, inbound, outbound, reasoning, session, toolOutput, toolResult } from "../support/events.ts";
import { contents, follow, readAll } from "./read-bus.ts";

/** A place where a bus keeps its log; opening it again is what a restart does. */
export interface BusStore extends Disposable {
  open(): EventBus;
}

const SOURCE = { sessionSource: "platform-ws:test" };

/** What is never stored, and pieces of it. */
const LIVE = [
  ["DeltaEvent", delta],
  ["ReasoningEvent", reasoning],
  ["ToolOutputEvent", toolOutput],
] as const;

/** What every EventBus promises (SPEC BUS); called once for each adapter. */
export function describeEventBus(name: string, createStore: () => BusStore): void {
  describe(`EventBus on ${name}`, () => {
    test("[BUS1] a published event is in the log after a restart", async () => {
      using store = createStore();
      const first = store.open();
      await first.publish([inbound({ content: "one" }), inbound({ content: "two" })], SOURCE);
      await first.close();
      const second = store.open();
      expect(contents(await readAll(second, "0"))).toEqual(["one", "two"]);
      await second.close();
    });

    test("[BUS2] the same key appends once, in the same tick, later, and after a restart", async () => {
      using store = createStore();
      const first = store.open();
      const options = { ...SOURCE, key: "k" };
      const [one, two] = await Promise.all([
        first.publish([inbound({ content: "one" })], options),
        first.publish([inbound({ content: "two" })], options),
      ]);
      const three = await first.publish([inbound({ content: "three" })], options);
      await first.close();
      const second = store.open();
      const four = await second.publish([inbound({ content: "four" })], options);
      expect([one, two, three, four].map(({ duplicate }) => duplicate)).toEqual([false, true, true, true]);
      expect(new Set([one, two, three, four].map(({ records }) => records[0]?.cursor)).size).toBe(1);
      expect(contents(await readAll(second, "0"))).toEqual(["one"]);
      expect([second.has("k"), second.has("other")]).toEqual([true, false]);
      await second.close();
    });

    test("[BUS3] subscribers see an event only once its publish is durable", async () => {
      using store = createStore();
      const bus = store.open();
      const live = follow(bus, {});
      expect((await live.next()).event.type).toBe("SyncedEvent");
      const order: string[] = [];
      const received = live.next().then(() => order.push("received"));
      const published = bus.publish([inbound()], SOURCE).then(() => order.push("published"));
      await Promise.resolve();
      expect(order).toEqual([]);
      await Promise.all([received, published]);
      await live.stop();
      await bus.close();
    });

    test("[BUS2] the last key with a prefix is known for ever; a key can be used for nothing", async () => {
      using store = createStore();
      let bus = store.open();
      expect(bus.lastKey("a:")).toBeUndefined();
      await bus.publish([], { ...SOURCE, key: "a:1" });
      await Promise.all(["a:3", "a:2", "b:9"].map((key) => bus.publish([inbound()], { ...SOURCE, key })));
      expect(bus.lastKey("a:")).toBe("a:3");
      await bus.close();
      bus = store.open();
      expect(bus.lastKey("a:")).toBe("a:3");
      expect(await bus.publish([inbound()], { ...SOURCE, key: "a:1" })).toEqual({ records: [], duplicate: true });
      await bus.close();
    });

    test("[BUS4] catching up and going live leaves no gap, whatever is published meanwhile", async () => {
      using store = createStore();
      const bus = store.open();
      const numbers = Array.from({ length: 3000 }, (_, i) => `${i}`);
      const unsent = [...numbers];
      const publishNext = (count: number) => {
        for (const content of unsent.splice(0, count)) void bus.publish([inbound({ content })], SOURCE);
      };
      publishNext(1000);
      const live = follow(bus, { after: "0" });
      const seen: string[] = [];
      while (seen.length < numbers.length) {
        const record = await live.next();
        seen.push(...contents([record]));
        // One published for each two read: the reader crosses from the stored part into the live one, then it is all live.
        publishNext(record.event.type === "SyncedEvent" ? unsent.length : seen.length % 2);
      }
      expect(seen).toEqual(numbers);
      await live.stop();
      await bus.close();
    });

    test("[BUS4] a reader that comes back with its last cursor sees each later event once", async () => {
      using store = createStore();
      const bus = store.open();
      for (let i = 0; i < 20; i++) await bus.publish([inbound({ content: `${i}` })], SOURCE);
      const seen: string[] = [];
      let after = "0";
      while (seen.length < 20) {
        const reader = follow(bus, { after });
        const records = [await reader.next(), await reader.next()];
        seen.push(...contents(records));
        after = records[1]?.cursor ?? "";
        await reader.stop();
      }
      expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
      await bus.close();
    });

    test("[BUS4] without a cursor a subscription starts at the moment it is made", async () => {
      using store = createStore();
      const bus = store.open();
      await bus.publish([inbound({ content: "before" })], SOURCE);
      const live = follow(bus, {});
      await bus.publish([inbound({ content: "after" })], SOURCE);
      expect(contents([await live.next(), await live.next()])).toEqual(["after"]);
      await live.stop();
      await bus.close();
    });

    test.each(LIVE)(
      "[BUS5] each %s goes to live readers in order with the log, and resumes at the last cursor",
      async (type, piece) => {
        using store = createStore();
        const bus = store.open();
        const live = follow(bus, {});
        await live.next(); // SyncedEvent
        await bus.publish([inbound()], SOURCE);
        bus.broadcast(piece({ content: "Hel" }), SOURCE);
        bus.broadcast(piece({ offset: 3, content: "lo" }), SOURCE);
        await bus.publish([outbound({ run_id: "r1" })], SOURCE);
        const records = [await live.next(), await live.next(), await live.next(), await live.next()];
        expect(records.map(({ event }) => event.type)).toEqual(["InboundEvent", type, type, "OutboundEvent"]);
        expect(records[2]?.cursor.startsWith(`${records[0]?.cursor}.`)).toBe(true);
        expect(new Set(records.map(({ cursor }) => cursor)).size).toBe(4);
        const resumed = follow(bus, { after: records[2]?.cursor ?? "" });
        expect((await resumed.next()).cursor).toBe(records[3]?.cursor);
        expect((await readAll(bus, "0")).map(({ event }) => event.type)).not.toContain(type);
        await resumed.stop();
        await live.stop();
        await bus.close();
      },
    );

    test("[BUS5] a late joiner gets the output so far of each call that runs, and none of one that has its result", async () => {
      using store = createStore();
      const bus = store.open();
      const say = (id: string, offset: number, content: string): void =>
        bus.broadcast(toolOutput({ tool_call_id: id, offset, content }), SOURCE);
      say("a", 0, "one ");
      say("b", 0, "x");
      say("a", 4, "two");
      bus.broadcast(delta({ content: "Hel" }), SOURCE);
      await bus.publish([toolResult({ tool_call_id: "b" })], SOURCE);
      const late = follow(bus, { filter: { types: ["ToolOutputEvent", "InboundEvent"] } });
      expect((await late.next()).event.type).toBe("SyncedEvent");
      expect((await late.next()).event).toMatchObject({ tool_call_id: "a", offset: 0, content: "one two" });
      await bus.publish([outbound({ run_id: "r1" })], SOURCE);
      const later = follow(bus, {});
      await later.next(); // SyncedEvent
      await bus.publish([inbound({ content: "next" })], SOURCE);
      for (const reader of [late, later]) expect((await reader.next()).event).toMatchObject({ content: "next" });
      await late.stop();
      await later.stop();
      await bus.close();
    });

    test.each(LIVE)(
      "[BUS5] a late joiner gets what was written so far in one %s; an ended run is not repeated",
      async (type, piece) => {
        using store = createStore();
        const bus = store.open();
        bus.broadcast(piece({ content: "Hel" }), SOURCE);
        bus.broadcast(piece({ offset: 3, content: "lo" }), SOURCE);
        const late = follow(bus, {});
        expect((await late.next()).event.type).toBe("SyncedEvent");
        expect((await late.next()).event).toMatchObject({ type, offset: 0, content: "Hello" });
        await bus.publish([outbound({ run_id: "r1" })], SOURCE);
        const later = follow(bus, {});
        await later.next(); // SyncedEvent
        await bus.publish([inbound({ content: "next" })], SOURCE);
        expect((await later.next()).event).toMatchObject({ type: "InboundEvent", content: "next" });
        await late.stop();
        await later.stop();
        await bus.close();
      },
    );

    test("[BUS6] a cursor of another store, or past the end, is answered by a GapEvent and the whole log", async () => {
      using store = createStore();
      using other = createStore();
      const bus = store.open();
      const strange = other.open();
      const { records } = await strange.publish([inbound()], SOURCE);
      await bus.publish([inbound({ content: "mine" })], SOURCE);
      const own = (await readAll(bus, "0"))[0]?.cursor ?? "";
      for (const [after, reason] of [
        [records[0]?.cursor ?? "", "unknown_store"],
        [own.replace(/-\d+$/, "-999"), "beyond_end"],
      ] as const) {
        const reader = follow(bus, { after });
        expect((await reader.next()).event).toEqual({ type: "GapEvent", reason });
        expect((await reader.next()).event).toMatchObject({ content: "mine" });
        await reader.stop();
      }
      await strange.close();
      await bus.close();
    });

    test.each(["abc", "-1", "1e30", "{}", "", "0.5"])("[BUS6] the malformed cursor %j is refused", async (after) => {
      using store = createStore();
      const bus = store.open();
      expect(() => bus.subscribe({ after, signal: new AbortController().signal })).toThrow(/Malformed cursor/);
      await bus.close();
    });

    test.each(LIVE)(
      "[BUS7] a reader that does not read gets each %s as one, and misses no durable event",
      async (type, piece) => {
        using store = createStore();
        const bus = store.open();
        const slow = follow(bus, {});
        await slow.next(); // SyncedEvent
        for (let i = 0; i < 50_000; i++) bus.broadcast(piece({ offset: i, content: "x" }), SOURCE);
        await bus.publish([inbound({ content: "kept" })], SOURCE);
        const records = [await slow.next(), await slow.next()];
        const text = records.find(({ event }) => event.type === type)?.event;
        expect(contents(records)).toEqual(["kept"]);
        expect(text).toMatchObject({ offset: 0, content: "x".repeat(50_000) });
        await slow.stop();
        await bus.close();
      },
    );

    test("[BUS8] filters choose by session, by the session's source, and by type", async () => {
      using store = createStore();
      const bus = store.open();
      await bus.publish([inbound({ session_id: "a", content: "a" }), outbound({ session_id: "a" })], {
        sessionSource: "platform-ws:x",
      });
      await bus.publish([inbound({ session_id: "b", content: "b" })], { sessionSource: "platform-ws:y" });
      const read = async (filter: SubscribeOptions["filter"]) => contents(await readAll(bus, "0", filter));
      expect(await read({ session_id: "a", types: ["InboundEvent"] })).toEqual(["a"]);
      expect(await read({ source: "platform-ws:y" })).toEqual(["b"]);
      expect(await read({ types: ["OutboundEvent"] })).toEqual(["Hello"]);
      expect(await read({ session_id: "a", source: "platform-ws:y" })).toEqual([]);
      await bus.close();
    });

    test("[BUS9] history gives a session's last events before a cursor, in order", async () => {
      using store = createStore();
      const bus = store.open();
      for (let i = 0; i < 5; i++)
        await bus.publish([inbound({ content: `${i}` }), inbound({ session_id: "b" })], SOURCE);
      const last = bus.history({ sessionId: "s1", limit: 2 });
      expect(contents(last)).toEqual(["3", "4"]);
      expect(contents(bus.history({ sessionId: "s1", limit: 2, before: last[0]?.cursor }))).toEqual(["1", "2"]);
      expect(contents(bus.history({ sessionId: "s1" }))).toEqual(["0", "1", "2", "3", "4"]);
      await bus.close();
    });

    test("[BUS10] deleting a session removes its events; its keys stay known", async () => {
      using store = createStore();
      const bus = store.open();
      await bus.publish([session(), inbound({ content: "secret" })], { ...SOURCE, key: "k" });
      await bus.publish([session({ action: "deleted" })], SOURCE);
      const again = await bus.publish([inbound({ content: "secret" })], { ...SOURCE, key: "k" });
      expect(again).toEqual({ records: [], duplicate: true });
      expect((await readAll(bus, "0")).map(({ event }) => event.type)).toEqual(["SessionEvent", "SyncedEvent"]);
      await bus.close();
      const reopened = store.open();
      expect((await readAll(reopened, "0")).map(({ event }) => event.type)).toEqual(["SessionEvent", "SyncedEvent"]);
      await reopened.close();
    });

    test("[BUS1] a closed bus refuses to publish", async () => {
      using store = createStore();
      const bus = store.open();
      await bus.close();
      await expect(bus.publish([inbound()], SOURCE)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    });
  });
}
