import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeCause, findDamage } from "./find-damage.ts";
import { findWalDamage } from "./find-wal-damage.ts";
import { migrate } from "./migrations.ts";
import { readThrough } from "./read-through.ts";
import { damagedStore, StoreError } from "./store-error.ts";
import { syncFolders, syncPath } from "./sync-path.ts";

export interface SqliteStore {
  /** Sees its own open transaction. */
  readonly writer: DatabaseSync;
  /** Sees committed data only. */
  readonly reader: DatabaseSync;
  /** Names this store in cursors. */
  readonly epoch: string;
  /** Empties the write-ahead log into the file once it is longer than this. Waits for no reader, and never throws. */
  trimWal(limitBytes: number): void;
  close(): void;
}

/** The log and all that is derived from it, in one file. */
export const STORE_FILE = "my-bot.db";
export const LOCK_FILE = "lock.db";
const BUSY_TIMEOUT_MS = 5000;
/** A message changes nine pages, which at SQLite's own size are twice as much to sync. A store keeps the size it began with. */
const PAGE_BYTES = 2048;
/** Instead of 4 MiB: a page that is written again and again goes into the file less often. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** Up to this size a start checks everything; beyond it would take too long (SPEC BUS18). */
const FULL_CHECK_BYTES = 32 * 1024 * 1024;

/**
 * Opens, creates or migrates the store in `dir`; refuses while another process has it open (SPEC BUS13), and
 * when it is damaged (SPEC BUS18). Throws StoreError.
 */
export function openSqliteStore(dir: string): SqliteStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const file = join(dir, STORE_FILE);
  const lock = lockStore(dir);
  try {
    return openConnections(createPrivateFile(file), lock);
  } catch (cause) {
    lock.close();
    if (cause instanceof StoreError) throw cause;
    const reason = describeCause(cause);
    throw new StoreError(`${file} cannot be opened (${reason}); run my-bot doctor, or restore a backup`, { cause });
  }
}

function openConnections(file: string, lock: DatabaseSync): SqliteStore {
  const wal = `${file}-wal`;
  const walDamage = findWalDamage(wal); // while SQLite has not opened it: that would cut it short
  if (walDamage) throw damagedStore(file, walDamage);
  // What a killed process wrote and had not synced is read as committed: it has to be, before anyone sees it (SPEC BUS3).
  if (existsSync(wal)) syncPath(wal);
  syncFolders(dirname(file));
  const writer = openConnection(file);
  try {
    migrate(writer, file);
    const epoch = readEpoch(writer);
    requireIntact(writer, file);
    const reader = openConnection(file);
    return {
      writer,
      reader,
      epoch,
      trimWal: (limitBytes) => trimWal(writer, { wal, limitBytes }),
      close: () => {
        reader.close();
        writer.close();
        lock.close();
      },
    };
  } catch (cause) {
    writer.close();
    throw cause;
  }
}

/** An open exclusive transaction on a file of its own: the operating system ends it with the process, however that dies. */
function lockStore(dir: string): DatabaseSync {
  const lock = new DatabaseSync(createPrivateFile(join(dir, LOCK_FILE)));
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    throw new StoreError(`${dir} is in use by another my-bot process; stop that one or choose another workspace`, {
      cause,
    });
  }
}

/** SQLite gives its side files the mode of the database file. */
function createPrivateFile(path: string): string {
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
  return path;
}

function trimWal(writer: DatabaseSync, { wal, limitBytes }: { wal: string; limitBytes: number }): void {
  const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= limitBytes) return;
  try {
    writer.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE);");
  } catch {
    // A full disk or a reader in another process: there is a next time.
  } finally {
    writer.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};`);
  }
}

function openConnection(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // In this order: WAL fixes the size of pages and would reset synchronous, and only FULL survives a power cut.
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`);
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA cell_size_check = ON;`);
  const pageBytes = Number(database.prepare("PRAGMA page_size").get()?.page_size);
  database.exec(`PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / pageBytes};`);
  return database;
}

function requireIntact(database: DatabaseSync, file: string): void {
  readThrough(file);
  const damage = findDamage(database, { isFull: statSync(file).size <= FULL_CHECK_BYTES });
  if (damage) throw damagedStore(file, damage);
}

/** A new store, and one that comes from a backup, has none yet (SPEC BUS22). */
function readEpoch(database: DatabaseSync): string {
  const row = database.prepare("SELECT epoch FROM store").get();
  if (row?.epoch) return String(row.epoch);
  const epoch = randomBytes(4).toString("hex");
  database.prepare(row ? "UPDATE store SET epoch = ?" : "INSERT INTO store (epoch) VALUES (?)").run(epoch);
  return epoch;
}
