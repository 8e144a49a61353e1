import * as z from "zod";
import { AttachmentId } from "./attachment.ts";
import { ApprovalDecision, ApprovalResolvedEvent, ApprovalScope } from "./events.ts";

const source = z.string().min(1).max(256);
const content = z.string();
const attachments = z.array(AttachmentId).min(1).max(8).optional();
const messageId = z.string().min(1).max(128);

const NOTHING_SAID = { path: ["content"], error: "must not be empty in a message without attachments" };

function saysSomething(message: { content: string; attachments?: readonly string[] | undefined }): boolean {
  return message.content !== "" || message.attachments !== undefined;
}

/** What a raw `/ws` client sends. Unknown keys are ignored (SPEC WS2). */
export const ClientMessage = z
  .object({
    source,
    content,
    agent_id: z.string().min(1).nullish(),
    message_id: messageId.optional(),
    attachments,
  })
  .refine(saysSomething, NOTHING_SAID);
export type ClientMessage = z.infer<typeof ClientMessage>;

/** Input of the `send` mutation (SPEC RPC1). */
export const SendInput = z
  .object({
    /** The bare client id, as on raw `/ws`; both doors make it `platform-ws:<source>`. */
    source,
    /** Empty only with attachments. */
    content,
    agent_id: z.string().min(1).nullish(),
    /** Send into this session instead of the source's own. */
    session_id: z.string().min(1).nullish(),
    /** Idempotency key within the source: sending it again gives the first receipt (SPEC BUS2). */
    message_id: messageId.optional(),
    /** The ids of images that were uploaded before, 8 at most (SPEC IMG2). */
    attachments,
  })
  .refine(saysSomething, NOTHING_SAID);
export type SendInput = z.infer<typeof SendInput>;

/** The message is durable: it survives a crash of the server and will be answered. */
export const Receipt = z.object({
  cursor: z.string(),
  session_id: z.string(),
  run_id: z.string(),
  message_id: z.string(),
  duplicate: z.boolean(),
});
export type Receipt = z.infer<typeof Receipt>;

/** Which events a subscriber wants; the raw door takes the same from its URL. */
export const EventsInput = z
  .object({
    /** Resume after this cursor. Absent: live from now; `"0"`: from the beginning. */
    lastEventId: z.string().max(200).nullish(),
    session_id: z.string().min(1).optional(),
    /** A bare client id: every session that belongs to it. */
    source: source.optional(),
    types: z.array(z.string()).max(32).optional(),
  })
  .optional();
export type EventsInput = z.infer<typeof EventsInput>;

export const AbortInput = z.union([
  z.object({ run_id: z.string().min(1) }),
  z.object({ session_id: z.string().min(1) }),
]);
export type AbortInput = z.infer<typeof AbortInput>;

/** Input of the `approve` mutation (SPEC APR2). */
export const ApproveInput = z.object({
  approval_id: z.string().min(1).max(128),
  decision: ApprovalDecision,
  /** Of an `allow`; a `deny` is always for once. */
  scope: ApprovalScope.default("once"),
  /** The bare client id of who answers, for the log. */
  source: source.optional(),
});
export type ApproveInput = z.output<typeof ApproveInput>;

/** The frame by which a raw `/ws` client answers (SPEC APR3). */
export const ApproveFrame = z.object({ type: z.literal("approve"), ...ApproveInput.shape });

/** What was decided, by this answer or by an earlier one. */
export const ApprovalReceipt = z.object({
  ...ApprovalResolvedEvent.pick({ approval_id: true, decision: true, scope: true, reason: true, by: true }).shape,
  duplicate: z.boolean(), // the same had been decided before
});
export type ApprovalReceipt = z.infer<typeof ApprovalReceipt>;

/** Turns zod issues into one line that names every field: `source: expected string`. */
export function formatIssues(error: z.core.$ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message))
    .join("; ");
}
