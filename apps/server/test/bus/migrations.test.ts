import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventJson } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { eventChecksum } from "../../src/bus/event-checksum.ts";
import { messageKey } from "../../src/bus/message-key.ts";
import { migrate } from "../../src/bus/migrations.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore, STORE_FILE } from "../../src/bus/sqlite-store.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";

const SOURCE = "platform-ws:a:b";

/** A store as schema 3 wrote it, with one message that waits for its answer. */
function writeSchema3(dir: string): ReturnType<typeof inbound> {
  const database = new DatabaseSync(join(dir, STORE_FILE));
  migrate(database, STORE_FILE, 3);
  const event = inbound({ session_id: "s1", run_id: "r1", source: SOURCE, message_id: "m1" });
  const body = eventJson(event);
  const crc = eventChecksum({ seq: 1, sessionId: "s1", sessionSource: SOURCE, body });
  database.prepare("INSERT INTO store (epoch) VALUES ('abc')").run();
  database.prepare("INSERT INTO events VALUES (1, 's1', ?, ?, ?)").run(SOURCE, body, crc);
  database.prepare("INSERT INTO sessions VALUES ('s1', ?, 'pickle', 'hi', 1, 1, 1, 1)").run(SOURCE);
  database.prepare("INSERT INTO open_runs VALUES ('r1', 's1', 1)").run();
  database.prepare("INSERT INTO keys VALUES (?, 1, 1), ('answer:r0', 1, 1)").run(`message:${SOURCE}:m1`);
  database.close();
  return event;
}

test("[BUS2] [SES3] an older store keeps its open runs, and knows the messages that it was sent", async () => {
  using dir = tempDir();
  const event = writeSchema3(dir.path);
  const store = openSqliteStore(dir.path);
  const sessions = openSqliteSessions(store);
  const bus = openSqliteBus(store, [sessions]);
  expect(sessions.isOpen("r1")).toBe(true);
  expect(sessions.openMessages("s1", 10)).toEqual([event]);
  expect(bus.has("answer:r0")).toBe(true);
  const again = await bus.publish([event], { sessionSource: SOURCE, key: messageKey("m1", SOURCE) });
  expect(again).toMatchObject({ duplicate: true, records: [{ event }] });
  await bus.close();
});

test("[BUS2] the same id of two senders makes two keys, whatever their names", () => {
  const pairs = [
    ["c", "platform-ws:a:b"],
    ["b:c", "platform-ws:a"],
    ['c","platform-ws:a', "platform-ws:b"],
    ["c", 'platform-ws:a","platform-ws:b'],
  ] as const;
  expect(new Set(pairs.map(([id, source]) => messageKey(id, source))).size).toBe(pairs.length);
});

test("[SES3] the open runs of a deleted session are gone with its events", async () => {
  using dir = tempDir();
  writeSchema3(dir.path);
  const store = openSqliteStore(dir.path);
  const sessions = openSqliteSessions(store);
  const bus = openSqliteBus(store, [sessions]);
  const ids = { session_id: "s1", source: SOURCE, agent_id: "pickle" };
  const deleted = { type: "SessionEvent", ...ids, action: "deleted", title: null, timestamp: 2 } as const;
  await bus.publish([deleted], { sessionSource: SOURCE });
  expect(sessions.isOpen("r1")).toBe(false);
  await bus.close();
});

test("[BUS17] a store without checksums gets them when it is opened, with all its events", async () => {
  using dir = tempDir();
  const file = join(dir.path, STORE_FILE);
  const events = Array.from({ length: 40 }, (_, index) => inbound({ content: `message ${index}` }));
  const old = new DatabaseSync(file);
  migrate(old, STORE_FILE, 1);
  old.prepare("INSERT INTO store (epoch) VALUES ('abc')").run();
  const insert = old.prepare("INSERT INTO events (session_id, session_source, body) VALUES ('s1', ?, ?)");
  for (const event of events) insert.run(SOURCE, eventJson(event));
  old.close();

  const bus = openSqliteBus(openSqliteStore(dir.path), []);
  expect(bus.history({ sessionId: "s1" }).map(({ event }) => event)).toEqual(events);
  await bus.close();
  const database = new DatabaseSync(file, { readOnly: true });
  for (const [index, { crc }] of database.prepare("SELECT crc FROM events ORDER BY seq").all().entries()) {
    const body = eventJson(events[index] ?? inbound());
    expect(crc).toBe(eventChecksum({ seq: index + 1, sessionId: "s1", sessionSource: SOURCE, body }));
  }
  database.close();
});
