import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { migrate } from "../../src/bus/migrations.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore, STORE_FILE } from "../../src/bus/sqlite-store.ts";
import { StoreError } from "../../src/bus/store-error.ts";
import { openSqliteApprovals } from "../../src/session/sqlite-approvals.ts";
import { openSqliteAttachments } from "../../src/session/sqlite-attachments.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound, session } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";
import { type BusStore, describeEventBus } from "./event-bus-contract.ts";

function sqliteBusStore(): BusStore {
  const dir = tempDir();
  return {
    open: () => openSqliteBus(openSqliteStore(dir.path), []),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

describeEventBus("SQLite", sqliteBusStore);

test("[BUS1] the log is written ahead and synced at every commit", () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  for (const connection of [store.writer, store.reader]) {
    expect(connection.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(connection.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 }); // FULL
  }
  store.close();
});

test("[BUS21] the write-ahead log of an older store, whose pages are larger, grows no longer than that of a new one", () => {
  using dir = tempDir();
  const old = new DatabaseSync(join(dir.path, STORE_FILE)); // with SQLite's own pages, as stores were before
  migrate(old, STORE_FILE);
  old.close();
  const sizes = (path: string) => {
    const { writer, ...store } = openSqliteStore(path);
    const page = Number(writer.prepare("PRAGMA page_size").get()?.page_size);
    const pages = Number(writer.prepare("PRAGMA wal_autocheckpoint").get()?.wal_autocheckpoint);
    store.close();
    return { page, log: page * pages };
  };
  const log = 16 * 1024 * 1024;
  expect(sizes(dir.path)).toEqual({ page: 4096, log });
  expect(sizes(join(dir.path, "new"))).toEqual({ page: 2048, log });
});

test("[BUS11] all publishes of one tick share one commit", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const bus = openSqliteBus(store, []);
  const statements: string[] = [];
  const exec = store.writer.exec.bind(store.writer);
  store.writer.exec = (sql) => {
    statements.push(sql);
    exec(sql);
  };
  await Promise.all(Array.from({ length: 50 }, () => bus.publish([inbound()], { sessionSource: "platform-ws:test" })));
  expect(statements).toEqual(["BEGIN IMMEDIATE", "COMMIT"]);
  await bus.close();
});

test("[BUS12] a projection that fails takes the whole batch back: nothing is half stored", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const bus = openSqliteBus(store, [
    {
      apply: ({ event }) => {
        if (event.type === "InboundEvent" && event.content === "bad") throw new Error("database or disk is full");
      },
    },
  ]);
  const options = { sessionSource: "platform-ws:test" };
  const results = await Promise.allSettled([
    bus.publish([inbound({ content: "good" })], options),
    bus.publish([inbound({ content: "bad" })], options),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(bus.history({ sessionId: "s1" })).toEqual([]);
  const { records } = await bus.publish([inbound({ content: "after" })], options);
  expect(records[0]?.cursor).toMatch(/-1$/);
  await bus.close();
});

test("[BUS13] a second process on the same store is refused, also in this one; a killed owner leaves no lock", () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  expect(() => openSqliteStore(dir.path)).toThrow(StoreError);
  expect(() => openSqliteStore(dir.path)).toThrow(/in use by another my-bot process/);
  store.close();
  const script = `
    const { openSqliteStore } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/bus/sqlite-store.ts"))});
    const store = openSqliteStore(process.argv[1]);
    store.writer.exec("BEGIN IMMEDIATE");
    process.kill(process.pid, "SIGKILL");`;
  const flags = ["--conditions=@my-bot/source", "--input-type=module"];
  const { signal } = spawnSync(process.execPath, [...flags, "-e", script, dir.path]);
  expect(signal).toBe("SIGKILL"); // it had opened the store
  openSqliteStore(dir.path).close();
});

test("[BUS14] a store of a newer version, or one that is no database, is refused by name", () => {
  using dir = tempDir();
  openSqliteStore(dir.path).close();
  const file = new DatabaseSync(join(dir.path, "my-bot.db"));
  file.exec("PRAGMA user_version = 99");
  file.close();
  expect(() => openSqliteStore(dir.path)).toThrow(/my-bot\.db was written by a newer my-bot/);
});

test("[BUS15] the store is readable by its owner only", () => {
  using dir = tempDir();
  const before = process.umask(0);
  try {
    const store = openSqliteStore(join(dir.path, "store"));
    store.close();
  } finally {
    process.umask(before);
  }
  expect(statSync(join(dir.path, "store")).mode & 0o777).toBe(0o700);
  for (const name of ["my-bot.db", "lock.db"]) {
    expect(statSync(join(dir.path, "store", name)).mode & 0o777).toBe(0o600);
  }
});

test("[BUS16] no statement scans the log or the sessions, whatever their size", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const prepared = new Set<string>();
  for (const connection of [store.writer, store.reader]) {
    const prepare = connection.prepare.bind(connection);
    connection.prepare = (sql) => {
      prepared.add(sql);
      return prepare(sql);
    };
  }
  const projections = [openSqliteSessions(store), openSqliteApprovals(store), openSqliteAttachments(store)];
  const bus = openSqliteBus(store, projections);
  await bus.publish([session(), inbound()], { sessionSource: "platform-ws:test", key: "k" });
  for (const filter of [undefined, { session_id: "s1" }, { source: "x" }, { session_id: "s1", source: "x" }]) {
    const stop = new AbortController();
    // More than is kept in memory, so that the log is read from the disk.
    for (let i = 0; i < 1200; i++) void bus.publish([inbound()], { sessionSource: "platform-ws:test" });
    for await (const { event } of bus.subscribe({ after: "0", filter, signal: stop.signal })) {
      if (event.type === "SyncedEvent") break;
    }
  }
  const statements = [...prepared].filter((sql) => !sql.startsWith("EXPLAIN"));
  expect(statements.length).toBeGreaterThan(20);
  const scans = statements.flatMap((sql) =>
    store.reader
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail))
      // `family` is what the statement has found itself, `open_approvals` what waits for a person.
      .filter((detail) => /^SCAN (?!CONSTANT ROW|(?:family|open_approvals)\b)/.test(detail))
      .map((detail) => `${detail}: ${sql}`),
  );
  expect(scans).toEqual([]);
  await bus.close();
});
