import * as z from "zod";
import { ApprovalRequestedEvent, Usage } from "./events.ts";

/** A session as lists and headers show it. */
export const SessionView = z.object({
  session_id: z.string(),
  source: z.string(), // the full source, e.g. platform-ws:test
  agent_id: z.string(),
  title: z.string().nullable(), // null before the first message
  created_at: z.number(), // seconds since 1970
  updated_at: z.number(),
  message_count: z.int(), // InboundEvents, OutboundEvents and PostedEvents
  open_runs: z.int(), // messages that wait for their answer, the running one included
  parent_session_id: z.string().nullable(), // the session whose agent dispatched a task to this one
  usage: Usage.pick({ input_tokens: true, output_tokens: true }), // of all its runs, as far as the model told
  cost: z.number().nullable(), // of its runs that had prices, in `currency`; null: none had
  currency: z.string().nullable(),
});
export type SessionView = z.infer<typeof SessionView>;

/** A message that waits for its answer; `abort` takes its `run_id`, running or queued. */
export const OpenRunView = z.object({
  run_id: z.string(),
  message_id: z.string(),
  content: z.string(), // its first 200 characters
  state: z.enum(["running", "queued"]),
  timestamp: z.number(), // seconds since 1970
});
export type OpenRunView = z.infer<typeof OpenRunView>;

/** A session by itself, with its queue. */
export const SessionDetails = z.object({
  ...SessionView.shape,
  runs: z.array(OpenRunView), // in the order in which they are answered
  approvals: z.array(ApprovalRequestedEvent), // that wait for an answer, oldest first
});
export type SessionDetails = z.infer<typeof SessionDetails>;

export const AgentView = z.object({
  agent_id: z.string(),
  name: z.string(),
  description: z.string(),
  is_default: z.boolean(),
  images: z.boolean(), // whether its model takes images (SPEC IMG4)
});
export type AgentView = z.infer<typeof AgentView>;

/** A word that a message may begin with, after `/` (SPEC CMD1). */
export const CommandView = z.object({
  name: z.string(),
  aliases: z.array(z.string()),
  arguments: z.string(), // such as `[id]`; "" without any
  description: z.string(), // one line
});
export type CommandView = z.infer<typeof CommandView>;

/** An MCP server of the configuration. */
export const McpServerView = z.object({
  id: z.string(),
  state: z.enum(["starting", "ready", "failed"]), // one that has failed is started again after a while
  tools: z.array(z.string()), // names under which the model may call them
  problem: z.string().nullable(), // why it has failed, or what of its configuration has no effect
});
export type McpServerView = z.infer<typeof McpServerView>;

export const InfoView = z.object({
  name: z.literal("my-bot"),
  version: z.string(),
  protocol_version: z.int(),
  features: z.array(z.string()),
  llm: z.object({
    mode: z.enum(["offline", "online"]),
    provider: z.string(),
    model: z.string(),
  }),
  default_agent: z.string(),
  limits: z.object({ content_bytes: z.int(), frame_bytes: z.int(), attachment_bytes: z.int() }),
  workspace: z.object({
    loaded_at: z.number(), // when what is in use was read, in seconds since 1970
    problem: z.string().nullable(), // why the files as they are now are not in use
  }),
  mcp: z.array(McpServerView),
});
export type InfoView = z.infer<typeof InfoView>;

const sessionId = z.string().min(1);
const title = z.string().trim().min(1).max(200);

export const ListSessionsInput = z
  .object({
    limit: z.int().min(1).max(200).default(50),
    /** `next` of the page before. */
    page: z.string().max(200).optional(),
  })
  .prefault({});
export type ListSessionsInput = z.output<typeof ListSessionsInput>;

/** Newest first; `next` is null on the last page. */
export interface SessionPage {
  readonly sessions: readonly SessionView[];
  readonly next: string | null;
}

export const GetSessionInput = z.object({ session_id: sessionId });
export type GetSessionInput = z.infer<typeof GetSessionInput>;

export const HistoryInput = z.object({
  session_id: sessionId,
  limit: z.int().min(1).max(1000).default(200),
  /** `before` of a later page. */
  before: z.string().max(200).optional(),
});
export type HistoryInput = z.output<typeof HistoryInput>;

export const CreateSessionInput = z.object({
  source: z.string().min(1).max(256),
  agent_id: z.string().min(1).nullish(),
  title: title.nullish(),
});
export type CreateSessionInput = z.infer<typeof CreateSessionInput>;

export const RenameSessionInput = z.object({ session_id: sessionId, title });
export type RenameSessionInput = z.infer<typeof RenameSessionInput>;
