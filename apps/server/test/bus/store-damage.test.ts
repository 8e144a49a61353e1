import { copyFileSync, cpSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BotError } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { StoreError } from "../../src/bus/store-error.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound, outbound, session } from "../support/events.ts";
import { type TempDir, tempDir } from "../support/temp-dir.ts";

const SESSIONS = 5;
const FLIPS = 300;

function openBus(dir: string) {
  const store = openSqliteStore(dir);
  return { store, bus: openSqliteBus(store, [openSqliteSessions(store)]) };
}

/** A store of five sessions and a deleted one: as a killed server leaves it, with a write-ahead log, or stopped in order. */
async function writeStore(dir: TempDir, name: string, end: "killed" | "stopped" = "killed"): Promise<string> {
  const { store, bus } = openBus(join(dir.path, "live"));
  for (let i = 0; i <= SESSIONS; i++) {
    const session_id = `s${i}`;
    const options = { sessionSource: `platform-ws:${session_id}`, key: session_id };
    await bus.publish([session({ session_id, source: options.sessionSource })], options);
    for (let j = 0; j < 12; j++) {
      const run_id = `${i}-${j}`;
      const events = [inbound({ session_id, run_id, content: "w".repeat(40 * j) }), outbound({ session_id, run_id })];
      await bus.publish(events, { ...options, key: run_id });
    }
    if (i === 2) store.writer.exec("PRAGMA wal_checkpoint(TRUNCATE)"); // half in the file, half in its log
  }
  await bus.publish([session({ session_id: "s0", action: "deleted" })], { sessionSource: "platform-ws:s0" });
  if (end === "stopped") store.writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const copy = join(dir.path, name);
  cpSync(join(dir.path, "live"), copy, { recursive: true, filter: (path) => !path.endsWith("-shm") });
  await bus.close();
  return copy;
}

/** Everything that a reader can get: the log, by session, and by source. */
async function readAll(dir: string): Promise<readonly string[]> {
  const { bus } = openBus(dir);
  try {
    const texts: string[] = [];
    const ids = Array.from({ length: SESSIONS + 1 }, (_, i) => `s${i}`);
    for (const filter of [undefined, ...ids.map((id) => ({ source: `platform-ws:${id}` }))]) {
      for await (const { event } of bus.subscribe({ after: "0", filter, signal: new AbortController().signal })) {
        if (event.type === "SyncedEvent") break;
        texts.push(JSON.stringify(event));
      }
    }
    for (const sessionId of ids) texts.push(JSON.stringify(bus.history({ sessionId }).map(({ event }) => event)));
    return texts;
  } finally {
    await bus.close();
  }
}

/** The events, or the sentence with which they were refused. */
async function readOrRefusal(dir: string): Promise<readonly string[] | string> {
  try {
    return await readAll(dir);
  } catch (cause) {
    if (cause instanceof StoreError || cause instanceof BotError) return cause.message;
    throw cause;
  }
}

function copyStore(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ["my-bot.db", "my-bot.db-wal"]) copyFileSync(join(from, name), join(to, name));
}

/** The same places at each run: a failure can be looked at again. */
function* places(count: number, size: number): Generator<number> {
  let state = 42;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Math.floor((state / 2 ** 32) * size);
  }
}

test.each([
  ["my-bot.db", "stopped"],
  ["my-bot.db-wal", "killed"],
] as const)("[BUS17] [BUS18] one bit of %s the other way round loses no event silently (P15)", async (name, end) => {
  using dir = tempDir();
  const original = await writeStore(dir, "original", end);
  const trial = join(dir.path, "trial");
  copyStore(original, trial);
  const expected = await readAll(trial);
  const bytes = readFileSync(join(original, name));
  const lost: string[] = [];
  let refused = 0;
  for (const bit of places(FLIPS, bytes.length * 8)) {
    copyStore(original, trial);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    writeFileSync(join(trial, name), changed);
    const result = await readOrRefusal(trial);
    if (typeof result === "string") refused += 1;
    const isTold = typeof result === "string" && result.includes("my-bot.db");
    if (!isTold && JSON.stringify(result) !== JSON.stringify(expected))
      lost.push(`bit ${bit}: ${result.slice(0, 200)}`);
  }
  expect(lost).toEqual([]);
  expect(refused).toBeGreaterThan(FLIPS / 4);
});

test("[BUS19] a log that was cut within its last record starts with every event before it (P13)", async () => {
  using dir = tempDir();
  const original = await writeStore(dir, "original");
  const trial = join(dir.path, "trial");
  copyStore(original, trial);
  const expected = JSON.stringify(await readAll(trial));
  copyStore(original, trial);
  const { size } = statSync(join(original, "my-bot.db-wal"));
  const { store, bus } = openBus(trial); // one more record, at the end of what was there
  store.writer.exec("PRAGMA wal_autocheckpoint = 0");
  await bus.publish([inbound({ session_id: "s5", content: "last" })], { sessionSource: "platform-ws:s5" });
  cpSync(trial, join(dir.path, "longer"), { recursive: true });
  await bus.close();
  const longer = statSync(join(dir.path, "longer", "my-bot.db-wal")).size;
  expect(longer).toBeGreaterThan(size);
  for (let point = 0; point < 200; point++) {
    copyStore(join(dir.path, "longer"), trial);
    truncateSync(join(trial, "my-bot.db-wal"), size + Math.floor(((longer - size) * point) / 200));
    expect({ point, events: JSON.stringify(await readAll(trial)) }).toEqual({ point, events: expected });
  }
});

test("[BUS19] a last record that a power cut left half written is no damage", async () => {
  using dir = tempDir();
  const original = await writeStore(dir, "original");
  const trial = join(dir.path, "trial");
  copyStore(original, trial);
  const bytes = readFileSync(join(trial, "my-bot.db-wal"));
  bytes.fill(0, bytes.length - 2048); // the last page of the last transaction; it was never acknowledged
  writeFileSync(join(trial, "my-bot.db-wal"), bytes);
  expect((await readAll(trial)).length).toBeGreaterThan(100);
});

test("[BUS18] a missing event is noticed at the start; a deleted session is not mistaken for one (P15)", async () => {
  using dir = tempDir();
  const original = await writeStore(dir, "original");
  expect((await readAll(original)).length).toBeGreaterThan(100);
  const database = new DatabaseSync(join(original, "my-bot.db"));
  database.exec("DROP TRIGGER events_removed; DELETE FROM events WHERE seq = 60");
  database.close();
  expect(() => openSqliteStore(original)).toThrow(StoreError);
  expect(() => openSqliteStore(original)).toThrow(
    /my-bot\.db is damaged: it has 125 events and should have 126; .*doctor.*backup/,
  );
});

test("[BUS17] an event that goes bad while the server runs is told to its readers, by file and number", async () => {
  using dir = tempDir();
  const { store, bus } = openBus(dir.path);
  for (let i = 0; i < 1200; i++) void bus.publish([inbound({ content: `${i}` })], { sessionSource: "platform-ws:x" });
  await bus.publish([inbound()], { sessionSource: "platform-ws:x" });
  store.writer.exec("UPDATE events SET body = replace(body, 'platform', 'platforn') WHERE seq = 7");
  const reader = bus.subscribe({ after: "0", signal: new AbortController().signal })[Symbol.asyncIterator]();
  await expect(reader.next()).rejects.toThrow(/my-bot\.db.*event 7 does not match its checksum.*doctor/);
  expect(() => bus.history({ sessionId: "s1" })).toThrow(BotError);
  expect(bus.history({ sessionId: "s1", limit: 5 })).toHaveLength(5);
  await bus.close();
});
