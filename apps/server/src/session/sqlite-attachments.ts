import { createHash } from "node:crypto";
import type { SQLOutputValue } from "node:sqlite";
import { setImmediate as nextPhase } from "node:timers/promises";
import { Attachment } from "@my-bot/protocol";
import type { Projection } from "../bus/sqlite-bus.ts";
import { explainFaults } from "../bus/sqlite-log.ts";
import type { SqliteStore } from "../bus/sqlite-store.ts";
import { storageError } from "../bus/storage-error.ts";
import type { AttachmentStore } from "./attachment-store.ts";

type Row = Record<string, SQLOutputValue>;

const COLUMNS = "id, media_type, bytes, width, height";

/**
 * Opens the tables of the attachments: their bytes, and which events name them. An attachment goes with the last event that
 * names it, by triggers of the schema.
 */
export function openSqliteAttachments({ writer, reader }: SqliteStore): AttachmentStore & Projection {
  const insert = writer.prepare(
    `INSERT INTO attachments (${COLUMNS}, created_at, data) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, data = excluded.data`,
  );
  const use = writer.prepare("INSERT OR IGNORE INTO attachment_uses (seq, attachment_id) VALUES (?, ?)");
  const removeUnused = writer.prepare(
    `DELETE FROM attachments WHERE created_at < ?
     AND NOT EXISTS (SELECT 1 FROM attachment_uses WHERE attachment_id = attachments.id)`,
  );
  const find = reader.prepare(`SELECT ${COLUMNS} FROM attachments WHERE id = ?`);
  const read = reader.prepare(`SELECT ${COLUMNS}, data FROM attachments WHERE id = ?`);
  return {
    put: async ({ id, media_type, bytes, width, height }, data) => {
      while (writer.isTransaction) await nextPhase(); // a batch of the log, which may fail for another's fault
      try {
        insert.run(id, media_type, bytes, width, height, Date.now() / 1000, data);
      } catch (cause) {
        throw storageError("image", cause);
      }
    },
    find: (id) => explainFaults(() => toAttachment(find.get(id))),
    read: (id) => explainFaults(() => toAttachmentData(read.get(id))),
    removeUnused: (before) => void removeUnused.run(before),
    apply: ({ seq, event }) => {
      if (event.type !== "InboundEvent" || event.attachments === undefined) return;
      for (const { id } of event.attachments) use.run(seq, id);
    },
  };
}

function toAttachmentData(row: Row | undefined) {
  const attachment = toAttachment(row);
  if (attachment === undefined || !(row?.data instanceof Uint8Array)) return undefined;
  const { data } = row;
  if (createHash("sha256").update(data).digest("hex") === attachment.id) return { attachment, data };
  throw new Error(`the image ${attachment.id} is not what was stored`);
}

function toAttachment(row: Row | undefined): Attachment | undefined {
  if (row === undefined) return undefined;
  const { id, media_type, bytes, width, height } = row;
  return Attachment.parse({ id, media_type, bytes, width, height });
}
