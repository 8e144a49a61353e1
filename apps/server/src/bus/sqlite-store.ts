import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The store cannot be opened. The message is for whoever starts the server: it names the file and the remedy. */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
  }
}

export interface SqliteStore {
  /** Sees its own open transaction. */
  readonly writer: DatabaseSync;
  /** Sees committed data only. */
  readonly reader: DatabaseSync;
  /** Names this store in cursors. */
  readonly epoch: string;
  close(): void;
}

/** One SQL script for each version of the schema, in order; `PRAGMA user_version` counts those applied. */
const MIGRATIONS = [
  `CREATE TABLE store (epoch TEXT NOT NULL) STRICT;
   CREATE TABLE events (
     seq INTEGER PRIMARY KEY,
     session_id TEXT NOT NULL,
     session_source TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_session ON events (session_id);
   CREATE INDEX events_by_source ON events (session_source);
   CREATE TABLE keys (key TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE sessions (
     session_id TEXT PRIMARY KEY,
     source TEXT NOT NULL,
     agent_id TEXT NOT NULL,
     title TEXT,
     created_at REAL NOT NULL,
     updated_at REAL NOT NULL,
     message_count INTEGER NOT NULL DEFAULT 0,
     open_runs INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX sessions_by_update ON sessions (updated_at, session_id);
   CREATE TABLE source_sessions (source TEXT PRIMARY KEY, session_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX source_sessions_by_session ON source_sessions (session_id);
   CREATE TABLE open_runs (run_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX open_runs_by_seq ON open_runs (seq);
   CREATE INDEX open_runs_by_session ON open_runs (session_id);`,
];

/** Opens, creates or migrates the store in `dir`; refuses while another process has it open (SPEC BUS13). */
export function openSqliteStore(dir: string): SqliteStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const lock = lockStore(dir);
  try {
    const file = createPrivateFile(join(dir, "my-bot.db"));
    const writer = openConnection(file);
    migrate(writer, file);
    return { writer, reader: openConnection(file), epoch: readEpoch(writer), close };

    function close(this: SqliteStore): void {
      this.reader.close();
      this.writer.close();
      lock.close();
    }
  } catch (cause) {
    lock.close();
    throw cause instanceof StoreError
      ? cause
      : new StoreError(`${join(dir, "my-bot.db")}: ${String(cause)}`, { cause });
  }
}

/** An open exclusive transaction on a file of its own: the operating system ends it with the process, however that dies. */
function lockStore(dir: string): DatabaseSync {
  const lock = new DatabaseSync(createPrivateFile(join(dir, "lock.db")));
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

function openConnection(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // In this order: the switch to WAL would reset synchronous, and only FULL survives a power cut.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
  database.exec("PRAGMA journal_size_limit = 67108864;");
  return database;
}

function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      `${file} was written by a newer my-bot (schema ${version}); install that version or restore a backup`,
    );
  }
  for (const [index, script] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN; ${script} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function readEpoch(database: DatabaseSync): string {
  const row = database.prepare("SELECT epoch FROM store").get();
  if (row) return String(row.epoch);
  const epoch = randomBytes(4).toString("hex");
  database.prepare("INSERT INTO store (epoch) VALUES (?)").run(epoch);
  return epoch;
}
