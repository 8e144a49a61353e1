import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { mountSmallDisk } from "@my-bot/conformance/small-disk";
import { expect, test, vi } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { delta, inbound } from "../support/events.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startServer } from "../support/server-process.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

const SOURCE = { sessionSource: "platform-ws:test" };
const REFUSED = /The event could not be stored: database or disk is full/;

test("[BUS20] publishes are refused while the file cannot grow, and go on when it can; reads always do (P14)", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const bus = openSqliteBus(store, [openSqliteSessions(store)]);
  const stop = new AbortController();
  const live = bus.subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
  await live.next(); // SyncedEvent
  const acknowledged: string[] = [];
  let number = 0;
  const publish = async () => {
    const content = `${number++} ${"x".repeat(5000)}`;
    await bus.publish([inbound({ content })], { ...SOURCE, key: content });
    acknowledged.push(content);
  };
  const setPages = (count: number) => store.writer.exec(`PRAGMA max_page_count = ${count}`);
  for (let phase = 0; phase < 50; phase++) {
    const { page_count } = store.writer.prepare("PRAGMA page_count").get() ?? {};
    setPages(Number(page_count) + 3);
    const refusals: unknown[] = [];
    while (refusals.length < 3) await publish().catch((cause: unknown) => refusals.push(cause));
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: "SERVICE_UNAVAILABLE", message: expect.stringMatching(REFUSED) });
    }
    expect(bus.history({ sessionId: "s1" })).toHaveLength(acknowledged.length);
    bus.broadcast(delta({ run_id: `r${phase}` }), SOURCE);
    setPages(1_000_000);
    await publish();
  }
  const seen: string[] = [];
  let deltas = 0;
  while (seen.length < acknowledged.length || deltas < 50) {
    const { event } = (await live.next()).value;
    if (event.type === "DeltaEvent") deltas += 1;
    if (event.type === "InboundEvent") seen.push(event.content);
  }
  expect(seen).toEqual(acknowledged);
  stop.abort();
  await bus.close();
});

test("[BUS20] a server on a full disk refuses messages, lives, shows what it has, and recovers by itself (P14)", async () => {
  await using server = await startServer();
  await server.stop("SIGTERM");
  using disk = mountSmallDisk(join(server.workspaceDir, ".event"), 16);
  if (disk === undefined) return; // may not mount: the test above is the one for this user
  await server.start();
  const pid = server.pid;
  await using client = await connectRaw(server.url);
  const acknowledged: string[] = [];
  const send = async (text: string): Promise<string> => {
    const content = `${text} ${"x".repeat(30_000)}`;
    client.send({ source: "test", content });
    for (;;) {
      const frame = await client.next();
      if (frame.type === "error") return String(frame.message);
      if (frame.type === "InboundEvent" && frame.content === content) {
        acknowledged.push(content);
        return "";
      }
    }
  };
  for (let phase = 0; phase < 3; phase++) {
    expect(await send(`before ${phase}`)).toBe("");
    disk.fill();
    let refusal = "";
    for (let i = 0; refusal === "" && i < 200; i++) refusal = await send(`${phase} ${i}`);
    expect(refusal).toMatch(REFUSED);
    const { client: rpc, close } = connectTrpcWs(server.url);
    const { sessions } = await rpc.sessions.list.query({});
    const { records } = await rpc.sessions.history.query({ session_id: sessions[0]?.session_id ?? "", limit: 5 });
    expect(records.length).toBeGreaterThan(0);
    await close();
    disk.free();
    expect(await send(`after ${phase}`)).toBe("");
  }
  expect(server.pid).toBe(pid);
  await server.stop("SIGKILL");
  await server.start();
  await using reader = await connectRaw(server.url, "?after=0");
  const stored = new Set<unknown>();
  while (acknowledged.some((content) => !stored.has(content))) stored.add((await reader.next("InboundEvent")).content);
});

test("[BUS21] the write-ahead log is emptied when the bus is idle; a reader of another process is not waited for", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const bus = openSqliteBus(store, [], { trimMs: 20 });
  const wal = join(dir.path, "my-bot.db-wal");
  const reader = new DatabaseSync(join(dir.path, "my-bot.db"), { readOnly: true });
  await bus.publish([inbound()], SOURCE);
  reader.exec("BEGIN; SELECT * FROM events");
  for (let i = 0; i < 100; i++) await bus.publish([inbound({ content: "x".repeat(50_000) })], SOURCE);
  const started = performance.now();
  store.trimWal(1024 * 1024);
  expect(performance.now() - started).toBeLessThan(1000); // SQLite would wait 5 s for it
  expect(statSync(wal).size).toBeGreaterThan(4_000_000);
  reader.exec("COMMIT");
  reader.close();
  await vi.waitFor(() => expect(statSync(wal).size).toBe(0), { timeout: 10_000 });
  expect(bus.history({ sessionId: "s1" })).toHaveLength(101);
  await bus.close();
});
