import { cpSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { backupStore } from "../../src/bus/backup-store.ts";
import { examineStore } from "../../src/bus/examine-store.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore, STORE_FILE } from "../../src/bus/sqlite-store.ts";
import { inspectImage } from "../../src/inspect-image.ts";
import { openSqliteAttachments } from "../../src/session/sqlite-attachments.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { inbound, outbound, session } from "../support/events.ts";
import { idOf, pngImage, uploadTo } from "../support/images.ts";
import { startServer } from "../support/server-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const SOURCE = { sessionSource: "platform-ws:test" };
const LATER = Date.now() / 1000 + 60;
const png = pngImage();
const image = inspectImage(png);

function open(dir: string) {
  const store = openSqliteStore(dir);
  const attachments = openSqliteAttachments(store);
  return { store, attachments, bus: openSqliteBus(store, [openSqliteSessions(store), attachments]) };
}

type Log = ReturnType<typeof open>;

async function publishRun({ bus }: Log, run_id: string, timestamp: number, attachments = [image]): Promise<void> {
  await bus.publish([inbound({ run_id, timestamp, attachments })], SOURCE);
  const ended = {
    type: "RunEndedEvent",
    session_id: "s1",
    run_id,
    status: "completed",
    usage: null,
    timestamp,
  } as const;
  await bus.publish([outbound({ run_id, timestamp }), ended], SOURCE);
}

test("[IMG6] an image whose upload was answered is there after a kill, and so is what its message says", async () => {
  await using server = await startServer();
  for (let round = 0; round < 10; round += 1) {
    const data = pngImage({ shade: round, width: 40, height: 40 });
    const { id } = await uploadTo(server.url, data);
    await server.stop("SIGKILL");
    await server.start();
    const response = await fetch(`${server.url}/attachments/${id}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true);
  }
});

test("[IMG6] uploads and messages of one moment are all stored, in whatever order they come", async () => {
  using dir = tempDir();
  const log = open(dir.path);
  const images = Array.from({ length: 40 }, (_, shade) => pngImage({ shade }));
  await Promise.all(
    images.flatMap((data, index) => [
      log.bus.publish([inbound({ run_id: `r${index}` })], SOURCE),
      log.attachments.put(inspectImage(data), data),
    ]),
  );
  for (const data of images) expect(log.attachments.read(idOf(data))?.data).toEqual(new Uint8Array(data));
  expect(log.bus.history({ sessionId: "s1" })).toHaveLength(images.length);
  await log.bus.close();
});

test("[IMG6] [BUS23] an image goes with the last message that names it: by retention, or with its session", async () => {
  using dir = tempDir();
  const log = open(dir.path);
  await log.attachments.put(image, png);
  await log.bus.publish([session()], SOURCE);
  await publishRun(log, "old", 1000);
  await publishRun(log, "new", LATER);
  await publishRun(log, "newest", LATER, []);
  while (log.bus.prune({ days: 1 }));
  expect(log.attachments.find(image.id)).toEqual(image); // "new" names it
  await log.bus.publish([session({ action: "deleted" })], SOURCE);
  expect(log.attachments.find(image.id)).toBeUndefined();
  await log.bus.close();
});

test("[IMG6] one that no message named within its time is removed, and one that is named stays", async () => {
  using dir = tempDir();
  const log = open(dir.path);
  const [named, unnamed] = [png, pngImage({ shade: 7 })];
  for (const data of [named, unnamed]) await log.attachments.put(inspectImage(data), data);
  await publishRun(log, "r1", 1000);
  log.attachments.removeUnused(LATER - 1000);
  expect(log.attachments.find(idOf(unnamed))).toBeDefined(); // younger than that
  log.attachments.removeUnused(LATER);
  expect(log.attachments.find(idOf(unnamed))).toBeUndefined();
  expect(log.attachments.find(idOf(named))).toEqual(image);
  await log.bus.close();
});

test("[IMG6] [BUS18] [BUS17] an image that was changed or is missing is found by the start, by doctor and by who reads it", async () => {
  using dir = tempDir();
  const live = join(dir.path, "live");
  const log = open(live);
  await log.attachments.put(image, png);
  await publishRun(log, "r1", 1000);
  const damage = (name: string, sql: string): string => {
    const copy = join(dir.path, name);
    backupStore(live, join(dir.path, `${name}.db`));
    cpSync(join(dir.path, `${name}.db`), join(copy, STORE_FILE), { recursive: true });
    const database = new DatabaseSync(join(copy, STORE_FILE), { enableForeignKeyConstraints: false });
    database.exec(sql);
    database.close();
    return copy;
  };
  const changed = damage("changed", "UPDATE attachments SET data = zeroblob(68)");
  expect(examineStore(changed)?.damage).toBe(`the image ${image.id} is not what was stored`);
  expect(() => open(changed)).toThrow(/is not what was stored/);
  const missing = damage("missing", "DELETE FROM attachments");
  expect(examineStore(missing)?.damage).toBe("an image of event 1 is missing");
  expect(() => open(missing)).toThrow(/an image of event 1 is missing/);
  const intact = open(damage("intact", "SELECT 1"));
  expect(intact.attachments.read(image.id)?.data).toEqual(new Uint8Array(png));
  await intact.bus.close();
  log.store.writer.exec("UPDATE attachments SET data = zeroblob(68)");
  expect(() => log.attachments.read(image.id)).toThrow(/cannot be read: the image .* is not what was stored/);
  await log.bus.close();
});
