import type { DatabaseSync } from "node:sqlite";
import { eventChecksum } from "./event-checksum.ts";
import { renewMessageKey } from "./message-key.ts";
import { StoreError } from "./store-error.ts";

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

  // The totals tell a missing event from one that was deleted: triggers keep them in the transaction of each change.
  `ALTER TABLE events ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
   UPDATE events SET crc = event_checksum(seq, session_id, session_source, body);
   ALTER TABLE store ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE store ADD COLUMN crc_sum INTEGER NOT NULL DEFAULT 0;
   UPDATE store SET (events, crc_sum) = (SELECT count(*), coalesce(sum(crc), 0) FROM events);
   CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
     UPDATE store SET events = events + 1, crc_sum = crc_sum + new.crc WHERE rowid = 1;
   END;
   CREATE TRIGGER events_removed AFTER DELETE ON events BEGIN
     UPDATE store SET events = events - 1, crc_sum = crc_sum - old.crc WHERE rowid = 1;
   END;`,

  // The last event that retention has removed: a cursor before it has missed something.
  "ALTER TABLE store ADD COLUMN pruned_seq INTEGER NOT NULL DEFAULT 0;",

  // Every index that a message touches in a place of its own is a page more to sync.
  `CREATE TABLE open_runs_by_age (
     seq INTEGER PRIMARY KEY REFERENCES events ON DELETE CASCADE,
     run_id TEXT NOT NULL UNIQUE
   ) STRICT;
   INSERT INTO open_runs_by_age (seq, run_id) SELECT seq, run_id FROM open_runs;
   DROP TABLE open_runs;
   ALTER TABLE open_runs_by_age RENAME TO open_runs;
   UPDATE keys SET key = renew_message_key(key);`,

  // The session that dispatched a task to this one.
  "ALTER TABLE sessions ADD COLUMN parent_session_id TEXT;",

  // The model that was chosen for this session.
  "ALTER TABLE sessions ADD COLUMN model TEXT;",

  // The requests for approval that wait for an answer.
  `CREATE TABLE open_approvals (
     seq INTEGER PRIMARY KEY REFERENCES events ON DELETE CASCADE,
     approval_id TEXT NOT NULL UNIQUE,
     run_id TEXT NOT NULL
   ) STRICT;`,

  // What the runs of a session have used, and what they have cost in the currency of the last that had a price.
  `ALTER TABLE sessions ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN cost REAL;
   ALTER TABLE sessions ADD COLUMN currency TEXT;
   UPDATE sessions SET (input_tokens, output_tokens) = (
     SELECT coalesce(sum(body ->> '$.usage.input_tokens'), 0), coalesce(sum(body ->> '$.usage.output_tokens'), 0)
     FROM events WHERE events.session_id = sessions.session_id AND body ->> '$.type' = 'RunEndedEvent'
   );`,

  // Images, and which events name them: an image goes with the last of those.
  `CREATE TABLE attachments (
     id TEXT PRIMARY KEY,
     media_type TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     width INTEGER NOT NULL,
     height INTEGER NOT NULL,
     created_at REAL NOT NULL,
     data BLOB NOT NULL
   ) STRICT;
   CREATE INDEX attachments_by_age ON attachments (created_at);
   CREATE TABLE attachment_uses (
     seq INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
     attachment_id TEXT NOT NULL REFERENCES attachments,
     PRIMARY KEY (seq, attachment_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX attachment_uses_by_attachment ON attachment_uses (attachment_id);
   CREATE TRIGGER attachment_uses_removed AFTER DELETE ON attachment_uses
     WHEN NOT EXISTS (SELECT 1 FROM attachment_uses WHERE attachment_id = old.attachment_id)
   BEGIN
     DELETE FROM attachments WHERE id = old.attachment_id;
   END;`,

  // What a session has dispatched is deleted with it; sessions that nobody dispatched cost this index nothing.
  `CREATE INDEX sessions_by_parent ON sessions (parent_session_id) WHERE parent_session_id IS NOT NULL;`,

  // The requests that were allowed for the rest of their session.
  `CREATE TABLE session_approvals (
     seq INTEGER PRIMARY KEY REFERENCES events ON DELETE CASCADE,
     session_id TEXT NOT NULL
   ) STRICT;
   CREATE INDEX session_approvals_by_session ON session_approvals (session_id);
   INSERT INTO session_approvals (seq, session_id) SELECT seq, session_id FROM events
     WHERE body ->> '$.type' = 'ApprovalRequestedEvent' AND body ->> '$.approval_id' IN (
       SELECT body ->> '$.approval_id' FROM events WHERE body ->> '$.type' = 'ApprovalResolvedEvent'
         AND body ->> '$.decision' = 'allow' AND body ->> '$.scope' = 'session'
     );`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

export function readSchemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

/**
 * Brings the schema up to date, or to an earlier version `to`; each step is a transaction. Throws StoreError for a store of
 * a newer version.
 */
export function migrate(database: DatabaseSync, file: string, to = SCHEMA_VERSION): void {
  const version = readSchemaVersion(database);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${file} was written by a newer my-bot (schema ${version}); install that version or restore a backup`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  database.function("event_checksum", { deterministic: true }, (seq, sessionId, sessionSource, body) =>
    eventChecksum({
      seq: Number(seq),
      sessionId: String(sessionId),
      sessionSource: String(sessionSource),
      body: String(body),
    }),
  );
  database.function("renew_message_key", { deterministic: true }, (key) => renewMessageKey(String(key)));
  for (const [index, script] of MIGRATIONS.entries()) {
    if (index < version || index >= to) continue;
    database.exec(`BEGIN; ${script} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}
