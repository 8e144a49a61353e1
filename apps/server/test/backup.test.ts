import { copyFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { backupStore } from "../src/bus/backup-store.ts";
import { openSqliteBus } from "../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../src/bus/sqlite-store.ts";
import { inbound } from "./support/events.ts";
import { myBot } from "./support/my-bot-command.ts";
import { connectRaw } from "./support/raw-client.ts";
import { startServer } from "./support/server-process.ts";
import { tempDir } from "./support/temp-dir.ts";

test("[CLI10] [BUS22] a backup of a running server is restored: its events are there, its cursors are new", async () => {
  await using server = await startServer();
  using dir = tempDir();
  const backup = join(dir.path, "backup.db");
  let cursor = "";
  {
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "kept" });
    cursor = String((await client.next("RunEndedEvent")).cursor);
    const made = await myBot(["backup", backup, "-w", server.workspaceDir]);
    expect(made).toEqual({ code: 0, stdout: `${backup}: 5 events, checked\n`, stderr: "" });
    client.send({ source: "test", content: "after the backup" });
    await client.next("RunEndedEvent");
  }
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir.path)).toEqual(["backup.db"]);
  const again = await myBot(["backup", backup, "-w", server.workspaceDir]);
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^my-bot: .*backup\.db is there already.*\n$/),
  });
  const epochs = new Set([cursor.slice(0, 8)]);
  for (let restore = 0; restore < 2; restore++) {
    await server.stop("SIGTERM");
    const store = join(server.workspaceDir, ".event");
    rmSync(store, { recursive: true });
    openSqliteStore(store).close(); // makes the folder
    copyFileSync(backup, join(store, "my-bot.db"));
    await server.start();
    await using client = await connectRaw(server.url, `?events=all&after=${cursor}`);
    expect(await client.next()).toMatchObject({ type: "GapEvent", reason: "unknown_store" });
    const told = await client.next("InboundEvent");
    expect(told).toMatchObject({ content: "kept" });
    epochs.add(String(told.cursor).slice(0, 8));
    client.send({ source: "test", content: "go on" });
    await client.next("OutboundEvent");
    expect(client.frames.filter(({ content }) => content === "after the backup")).toEqual([]);
  }
  expect(epochs.size).toBe(3);
});

test("[BUS22] a backup taken while events are written is one moment of the log", async () => {
  using dir = tempDir();
  const bus = openSqliteBus(openSqliteStore(join(dir.path, "store")), []);
  const publish = (content: string) => bus.publish([inbound({ content })], { sessionSource: "platform-ws:test" });
  for (let i = 0; i < 20; i++) await publish(`${i}`);
  const unfinished = publish("not committed yet");
  expect(backupStore(join(dir.path, "store"), join(dir.path, "copy.db"))).toBe(20);
  await unfinished;
  expect(bus.history({ sessionId: "s1" })).toHaveLength(21);
  await bus.close();
});

test("[CLI10] what cannot be backed up leaves no file: no store, no folder, a damaged store", async () => {
  using dir = tempDir();
  const workspace = join(dir.path, "workspace");
  const target = join(dir.path, "backup.db");
  openSqliteStore(join(workspace, ".event")).close();
  writeFileSync(join(workspace, "config.user.yaml"), "llm: { provider: offline }\n");
  const nowhere = await myBot(["backup", join(dir.path, "no", "backup.db"), "-w", workspace]);
  expect(nowhere).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^my-bot: .*could not be backed up to .*no such file.*\n$/),
  });
  const database = new DatabaseSync(join(workspace, ".event", "my-bot.db"));
  database.exec("INSERT INTO events (seq, session_id, session_source, body, crc) VALUES (1, 's', 's', '{}', 7)");
  database.close();
  const damaged = await myBot(["backup", target, "-w", workspace]);
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringMatching(/my-bot\.db is damaged: event 1 .*\n$/) });
  rmSync(join(workspace, ".event"), { recursive: true });
  const missing = await myBot(["backup", target, "-w", workspace]);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/my-bot\.db does not exist: .*\n$/) });
  expect(readdirSync(dir.path)).toEqual(["workspace"]);
  expect(await myBot(["backup"])).toMatchObject({ code: 2 });
});
