import fs, { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { inbound } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";

const WAL = "my-bot.db-wal";
const WAL_HEADER_BYTES = 32;

/** Publishes into the store at `dir`, and leaves in `to` what a killed server would leave. */
async function publishAndCopy(dir: string, contents: readonly string[], to: string): Promise<void> {
  const store = openSqliteStore(dir);
  store.writer.exec("PRAGMA wal_autocheckpoint = 0");
  const bus = openSqliteBus(store, []);
  for (const content of contents) await bus.publish([inbound({ content })], { sessionSource: "platform-ws:x" });
  copyStore(dir, to);
  await bus.close();
}

function copyStore(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ["my-bot.db", WAL]) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

function readContents(dir: string): string[] {
  const store = openSqliteStore(dir);
  const bus = openSqliteBus(store, []);
  const contents = bus.history({ sessionId: "s1" }).map(({ event }) => ("content" in event ? event.content : ""));
  void bus.close();
  return contents;
}

/** The paths of everything that is synced from now on. */
function watchSyncs(): { readonly paths: readonly string[] } & Disposable {
  const { openSync, fsyncSync } = fs;
  const opened = new Map<number, string>();
  const paths: string[] = [];
  fs.openSync = (path, ...rest) => {
    const descriptor = openSync(path, ...rest);
    opened.set(descriptor, String(path));
    return descriptor;
  };
  fs.fsyncSync = (descriptor) => {
    fsyncSync(descriptor);
    paths.push(opened.get(descriptor) ?? "");
  };
  syncBuiltinESMExports();
  return {
    paths,
    [Symbol.dispose]: () => {
      Object.assign(fs, { openSync, fsyncSync });
      syncBuiltinESMExports();
    },
  };
}

test("[BUS1] [BUS3] [bug unsynced-tail] what a killed process wrote and had not synced is synced before anyone sees it (P2, P7)", async () => {
  using dir = tempDir();
  const killed = join(dir.path, "killed");
  await publishAndCopy(join(dir.path, "live"), ["one"], killed);
  using syncs = watchSyncs();
  expect(readContents(killed)).toEqual(["one"]);
  expect(syncs.paths).toContain(join(killed, WAL));
});

test("[BUS1] [bug unsynced-folder] the name of a new store's folder is synced too, and those above it (P2)", () => {
  using dir = tempDir();
  using syncs = watchSyncs();
  openSqliteStore(join(dir.path, "workspace/store")).close();
  const folders = [join(dir.path, "workspace/store"), join(dir.path, "workspace"), dir.path, dirname(dir.path)];
  expect(syncs.paths).toEqual(expect.arrayContaining(folders));
});

test("[BUS19] [bug second-cut] what one power cut has left behind the log is no damage after the next one (P2, P13)", async () => {
  using dir = tempDir();
  const path = (name: string): string => join(dir.path, name);
  const walOf = (name: string): Buffer => readFileSync(join(path(name), WAL));
  await publishAndCopy(path("live"), ["one"], path("first"));
  // The first cut strikes while a long transaction is written: all of it is there but its first frame.
  cpSync(path("first"), path("second"), { recursive: true });
  await publishAndCopy(path("second"), ["x".repeat(60_000)], path("long"));
  const wal = walOf("long");
  const firstEnd = walOf("first").length;
  const frameBytes = 24 + wal.readUInt32BE(8);
  expect((firstEnd - WAL_HEADER_BYTES) % frameBytes).toBe(0);
  wal.fill(0, firstEnd, firstEnd + frameBytes);
  writeFileSync(join(path("long"), WAL), wal);
  cpSync(path("long"), path("third"), { recursive: true });
  // The second one strikes a short transaction, written over the beginning of the long one.
  await publishAndCopy(path("third"), ["short"], path("short"));
  const shortWal = walOf("short");
  expect(shortWal.length).toBe(wal.length);
  shortWal.fill(0, firstEnd, firstEnd + frameBytes);
  writeFileSync(join(path("short"), WAL), shortWal);
  expect(readContents(path("short"))).toEqual(["one"]);
});
