import { randomUUID } from "node:crypto";
import { chmodSync, closeSync, constants, copyFileSync, existsSync, linkSync, openSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeCause, findDamage } from "./find-damage.ts";
import { readSchemaVersion, SCHEMA_VERSION } from "./migrations.ts";
import { STORE_FILE } from "./sqlite-store.ts";
import { damagedStore, StoreError } from "./store-error.ts";
import { syncPath } from "./sync-path.ts";

/**
 * Copies the store in `dir`, as it is at this moment and while a server may write to it, to the new file `target`:
 * checked, synced, complete or not at all. Returns the number of events. Throws StoreError.
 */
export function backupStore(dir: string, target: string): number {
  const file = join(dir, STORE_FILE);
  if (!existsSync(file)) throw new StoreError(`${file} does not exist: there is nothing to back up yet`);
  if (existsSync(target)) throw taken(target);
  const draft = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    closeSync(openSync(draft, "wx", 0o600));
    chmodSync(draft, 0o600);
    copyInto(file, draft);
    const events = finish(draft, file);
    syncPath(draft);
    place(draft, target);
    syncPath(dirname(resolve(target)));
    return events;
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(`${file} could not be backed up to ${target}: ${describeCause(cause)}`, { cause });
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Unlike a rename, neither of these overwrites a file that has come there meanwhile. */
function place(draft: string, target: string): void {
  try {
    linkSync(draft, target);
  } catch {
    if (existsSync(target)) throw taken(target);
    copyFileSync(draft, target, constants.COPYFILE_EXCL); // a file system without links
    syncPath(target);
  }
}

function taken(target: string): StoreError {
  return new StoreError(`${target} is there already; choose a new name`);
}

/** One read transaction: a snapshot, whatever is written meanwhile, and without what was deleted. */
function copyInto(file: string, draft: string): void {
  using source = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  if (readSchemaVersion(source) !== SCHEMA_VERSION) {
    throw new StoreError(`${file} is of another version of my-bot; start my-bot server on it once, then back it up`);
  }
  source.prepare("VACUUM INTO ?").run(draft);
}

/** A copy has no epoch: the server that opens it takes a new one, so that no cursor of the original fits (SPEC BUS22). */
function finish(draft: string, file: string): number {
  using copy = new DatabaseSync(draft);
  copy.exec("UPDATE store SET epoch = ''");
  const damage = findDamage(copy, { isFull: true });
  if (damage) throw damagedStore(file, damage);
  return Number(copy.prepare("SELECT events FROM store").get()?.events);
}
