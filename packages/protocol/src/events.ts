import * as z from "zod";
import { Attachment } from "./attachment.ts";

const timestamp = z.number(); // seconds since 1970, fractional

/** The tool call that an agent dispatched a task by. */
export const Dispatcher = z.object({
  session_id: z.string(), // the parent's, as are the others
  run_id: z.string(),
  turn: z.int(),
  tool_call_id: z.string(),
});
export type Dispatcher = z.infer<typeof Dispatcher>;

/** Work entering the system. The first six fields are the inherited wire format, in its order (SPEC EV1). */
export const InboundEvent = z.object({
  type: z.literal("InboundEvent"),
  session_id: z.string(),
  source: z.string(),
  content: z.string(),
  timestamp,
  retry_count: z.int(),
  run_id: z.string(), // the run that answers this message
  message_id: z.string(), // the sender's idempotency key
  agent_id: z.string(), // the agent that answers
  attachments: z.array(Attachment).optional(), // absent without images (SPEC IMG2)
  dispatched_by: Dispatcher.optional(), // only of a task that an agent gave to another
});
export type InboundEvent = z.infer<typeof InboundEvent>;

/** The one answer to an InboundEvent. A failed run has `error` set (SPEC EV2). */
export const OutboundEvent = z.object({
  type: z.literal("OutboundEvent"),
  session_id: z.string(),
  source: z.string(),
  content: z.string(),
  timestamp,
  error: z.string().nullable(),
  run_id: z.string(),
});
export type OutboundEvent = z.infer<typeof OutboundEvent>;

/**
 * An agent gave a task to another: the child, whose session is `session_id`. The event belongs to the parent's session, as
 * part of the run that waits for the result. The first seven fields are the inherited wire format, in its order (SPEC AGT2).
 */
export const DispatchEvent = z.object({
  type: z.literal("DispatchEvent"),
  session_id: z.string(),
  source: z.string(), // agent:<the parent's>
  content: z.string(), // the task
  timestamp,
  parent_session_id: z.string(),
  retry_count: z.int(),
  run_id: z.string(), // of the parent
  turn: z.int(),
  tool_call_id: z.string(),
  agent_id: z.string(), // the child's
  child_run_id: z.string(),
});
export type DispatchEvent = z.infer<typeof DispatchEvent>;

/** The one end of a DispatchEvent: what the child answered, or why it did not (SPEC AGT2). */
export const DispatchResultEvent = z.object({
  type: z.literal("DispatchResultEvent"),
  session_id: z.string(),
  source: z.string(), // agent:<the child's>
  content: z.string(),
  timestamp,
  error: z.string().nullable(),
  run_id: z.string(), // of the parent
  turn: z.int(),
  tool_call_id: z.string(),
  parent_session_id: z.string(),
});
export type DispatchResultEvent = z.infer<typeof DispatchResultEvent>;

/** Something that an agent says unasked. Plain raw connections get it as an OutboundEvent (SPEC CRON5). */
export const PostedEvent = z.object({
  type: z.literal("PostedEvent"),
  session_id: z.string(), // whose conversation it is said in
  source: z.string(), // agent:<the speaker>
  content: z.string(),
  timestamp,
  error: z.null(),
  run_id: z.string(), // the call that said it, which may be one of another session
  turn: z.int(),
  tool_call_id: z.string(),
});
export type PostedEvent = z.infer<typeof PostedEvent>;

export const RunStartedEvent = z.object({
  type: z.literal("RunStartedEvent"),
  session_id: z.string(),
  run_id: z.string(),
  agent_id: z.string(),
  timestamp,
  command: z.string().optional(), // of a message that was a command: its name; the model never sees such a run (SPEC CMD2)
});
export type RunStartedEvent = z.infer<typeof RunStartedEvent>;

export const Usage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  cached_input_tokens: z.int().optional(), // of the input tokens, those that the provider remembered; absent when it does not tell
});
export type Usage = z.infer<typeof Usage>;

export const RunEndedEvent = z.object({
  type: z.literal("RunEndedEvent"),
  session_id: z.string(),
  run_id: z.string(),
  status: z.enum(["completed", "failed", "aborted"]),
  usage: Usage.nullable(), // null when the model reported none
  model: z.string().nullish(), // which one answered last; null: none did; absent in older events
  cost: z.number().nullish(), // by the prices of the configuration; null: without prices or usage
  currency: z.string().optional(), // of the cost, such as USD
  timestamp,
});
export type RunEndedEvent = z.infer<typeof RunEndedEvent>;

/** The intent to call a tool, durable before the call is made. */
export const ToolCallEvent = z.object({
  type: z.literal("ToolCallEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(), // counts the LLM calls of a run from 0
  tool_call_id: z.string(),
  name: z.string(),
  arguments: z.string(), // JSON, exactly as the model wrote it
  content: z.string(), // what the model said before its calls; on the first call of a turn, else ""
  timestamp,
});
export type ToolCallEvent = z.infer<typeof ToolCallEvent>;

export const ToolResultEvent = z.object({
  type: z.literal("ToolResultEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  tool_call_id: z.string(),
  name: z.string(),
  content: z.string(), // what the model is told
  is_error: z.boolean(),
  timestamp,
});
export type ToolResultEvent = z.infer<typeof ToolResultEvent>;

/** Where the model's part of a conversation begins; what comes before stays in the log. */
export const ConversationStart = z.object({ run_id: z.string(), turn: z.int() });
export type ConversationStart = z.infer<typeof ConversationStart>;

/** What a call waits for; the first answer, or the end of its time, is an ApprovalResolvedEvent (SPEC APR1). */
export const ApprovalRequestedEvent = z.object({
  type: z.literal("ApprovalRequestedEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  tool_call_id: z.string(),
  approval_id: z.string(), // what an answer names
  name: z.string(), // of the tool
  arguments: z.string(), // exactly those of the ToolCallEvent
  preview: z.string().nullable(), // what the call would do, such as a diff: the decision holds for just this
  expires_at: timestamp, // then it counts as denied
  timestamp,
});
export type ApprovalRequestedEvent = z.infer<typeof ApprovalRequestedEvent>;

export const ApprovalDecision = z.enum(["allow", "deny"]);
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

/** Once: this call. Session: also later calls of the session that are the same (SPEC APR6). */
export const ApprovalScope = z.enum(["once", "session"]);
export type ApprovalScope = z.infer<typeof ApprovalScope>;

export const ApprovalResolvedEvent = z.object({
  type: z.literal("ApprovalResolvedEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  tool_call_id: z.string(),
  approval_id: z.string(),
  decision: ApprovalDecision,
  scope: ApprovalScope,
  reason: z.enum(["answered", "expired", "aborted"]), // aborted: the run was stopped
  by: z.string().nullable(), // the full source of who answered, as far as they said
  timestamp,
});
export type ApprovalResolvedEvent = z.infer<typeof ApprovalResolvedEvent>;

export const SessionEvent = z.object({
  type: z.literal("SessionEvent"),
  session_id: z.string(),
  action: z.enum(["created", "renamed", "deleted", "agent_changed", "model_changed", "cleared", "compacted"]),
  source: z.string(), // the source that the session belongs to
  agent_id: z.string(),
  title: z.string().nullable(), // null: takes the first message's text
  timestamp,
  parent_session_id: z.string().optional(), // of a session that was made for a dispatched task
  model: z.string().nullable().optional(), // model_changed: the session's own; null: that of its agent
  up_to: ConversationStart.optional(), // cleared, compacted: what the model still sees begins here (SPEC CMP1)
  summary: z.string().optional(), // compacted: stands for what came before
});
export type SessionEvent = z.infer<typeof SessionEvent>;

/** A piece of the answer while the model writes it. Live only: never stored (SPEC EV5). */
export const DeltaEvent = z.object({
  type: z.literal("DeltaEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  offset: z.int(), // UTF-16 code units of this turn's text that come before; 0 starts the turn's text afresh
  content: z.string(),
});
export type DeltaEvent = z.infer<typeof DeltaEvent>;

/** A piece of what the model thinks before it answers. Live only, and no part of the answer (SPEC EV7). */
export const ReasoningEvent = z.object({
  type: z.literal("ReasoningEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  offset: z.int(), // UTF-16 code units of this turn's thoughts that come before; 0 starts them afresh
  content: z.string(),
});
export type ReasoningEvent = z.infer<typeof ReasoningEvent>;

/** A piece of what a tool call prints while it runs. Live only: what is kept is in its ToolResultEvent (SPEC EV6). */
export const ToolOutputEvent = z.object({
  type: z.literal("ToolOutputEvent"),
  session_id: z.string(),
  run_id: z.string(),
  turn: z.int(),
  tool_call_id: z.string(),
  offset: z.int(), // UTF-16 code units of this call's output that come before; 0 starts it afresh
  content: z.string(),
});
export type ToolOutputEvent = z.infer<typeof ToolOutputEvent>;

/** What is never stored and reaches only whoever is live. */
export type EphemeralEvent = DeltaEvent | ReasoningEvent | ToolOutputEvent;

/** The backlog is over; what follows is live. */
export const SyncedEvent = z.object({ type: z.literal("SyncedEvent") });
export type SyncedEvent = z.infer<typeof SyncedEvent>;

/** The given cursor cannot be resumed: the stream goes on from the cursor of this record (SPEC BUS6). */
export const GapEvent = z.object({
  type: z.literal("GapEvent"),
  reason: z.enum(["unknown_store", "beyond_end", "pruned"]),
});
export type GapEvent = z.infer<typeof GapEvent>;

/** A fact that is stored in the log and has a cursor. */
export const DurableEvent = z.discriminatedUnion("type", [
  InboundEvent,
  OutboundEvent,
  RunStartedEvent,
  RunEndedEvent,
  ToolCallEvent,
  ToolResultEvent,
  DispatchEvent,
  DispatchResultEvent,
  PostedEvent,
  ApprovalRequestedEvent,
  ApprovalResolvedEvent,
  SessionEvent,
]);
export type DurableEvent = z.infer<typeof DurableEvent>;

/** The session whose history an event is part of: of a dispatch the parent's, although it names the child's. */
export function homeSession(event: DurableEvent | EphemeralEvent): string {
  return "parent_session_id" in event && event.type !== "SessionEvent" ? event.parent_session_id : event.session_id;
}

/** Whatever a subscriber may receive: durable, ephemeral and control events. */
export const BotEvent = z.discriminatedUnion("type", [
  ...DurableEvent.options,
  DeltaEvent,
  ReasoningEvent,
  ToolOutputEvent,
  SyncedEvent,
  GapEvent,
]);
export type BotEvent = z.infer<typeof BotEvent>;

export const EventType = z.enum(BotEvent.options.map((option) => option.shape.type.value));
export type EventType = BotEvent["type"];
