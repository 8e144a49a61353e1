import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeCause, findDamage } from "./find-damage.ts";
import { findWalDamage } from "./find-wal-damage.ts";
import { readSchemaVersion, SCHEMA_VERSION } from "./migrations.ts";
import { readThrough } from "./read-through.ts";
import { LOCK_FILE, STORE_FILE } from "./sqlite-store.ts";

export interface StoreReport {
  readonly file: string;
  readonly bytes: number;
  /** A server has it open. */
  readonly isInUse: boolean;
  /** Absent for a store of another version, whose tables are not known. */
  readonly counts?: { readonly events: number; readonly sessions: number; readonly openRuns: number };
  /** Undefined: every event, page and index is intact. */
  readonly damage: string | undefined;
}

/** Reads all of the store in `dir`, while a server may use it; undefined when there is none. Changes nothing in it. */
export function examineStore(dir: string): StoreReport | undefined {
  const file = join(dir, STORE_FILE);
  if (!existsSync(file)) return undefined;
  const facts = { file, bytes: statSync(file).size, isInUse: isLocked(join(dir, LOCK_FILE)) };
  // Under a running server the write-ahead log changes while it is looked through, and was checked when that started.
  const walDamage = facts.isInUse ? undefined : findWalDamage(`${file}-wal`);
  if (walDamage) return { ...facts, damage: walDamage };
  try {
    using database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    if (readSchemaVersion(database) !== SCHEMA_VERSION) return { ...facts, damage: undefined };
    readThrough(file);
    const damage = findDamage(database, { isFull: true });
    return damage ? { ...facts, damage } : { ...facts, counts: readCounts(database), damage };
  } catch (cause) {
    return { ...facts, damage: describeCause(cause) };
  }
}

function readCounts(database: DatabaseSync) {
  const count = (table: string): number =>
    Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);
  return { events: count("events"), sessions: count("sessions"), openRuns: count("open_runs") };
}

/** The owner's exclusive transaction keeps even readers out of the lock file. */
function isLocked(lockFile: string): boolean {
  if (!existsSync(lockFile)) return false;
  try {
    using lock = new DatabaseSync(lockFile, { readOnly: true });
    lock.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch {
    return true;
  }
}
