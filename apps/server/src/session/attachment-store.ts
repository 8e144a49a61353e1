import type { Attachment, AttachmentData } from "@my-bot/protocol";

/** The images of the log, and those that no message has named yet. Rules: SPEC IMG. */
export interface AttachmentStore {
  /** Resolves once it would survive a crash; rejects with SERVICE_UNAVAILABLE when it cannot be stored. */
  put(attachment: Attachment, data: Uint8Array): Promise<void>;
  find(id: string): Attachment | undefined;
  /** Throws BotError when it is no longer what was stored. */
  read(id: string): AttachmentData | undefined;
  /** Removes those that were put before `before`, in seconds since 1970, and that no message names. */
  removeUnused(before: number): void;
}
