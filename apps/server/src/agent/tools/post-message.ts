import { formatSource, type PostedEvent, parseSource } from "@my-bot/protocol";
import * as z from "zod";
import type { EventBus } from "../../bus/event-bus.ts";
import type { SessionStore } from "../../session/session-store.ts";
import type { Config } from "../../workspace/config.ts";
import { appendPatiently } from "../append-patiently.ts";
import { callId } from "../call-id.ts";
import { newSession, sessionEvent } from "../new-session.ts";
import type { CallContext, Tool } from "./tool.ts";

const MAX_CHARS = 32_000;

const Input = z.object({
  content: z.string().trim().min(1).max(MAX_CHARS).describe("what to say, in Markdown"),
  source: z
    .string()
    .trim()
    .min(1)
    .max(256)
    .optional()
    .describe("to whom, such as platform-ws:web; absent: to whom you are talking now, which needs nobody's approval"),
});

export interface PostMessageToolOptions {
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  readonly config: Config;
  readonly onError: (error: unknown) => void;
}

/** Says something to a source that has not asked, once for each call (SPEC CRON5). */
export function createPostMessageTool(options: PostMessageToolOptions) {
  return {
    name: "post_message",
    description: "Says something to someone now, without being asked; your answer is not affected.",
    input: Input,
    isReadOnly: false,
    isResumable: true,
    approval: "ask",
    approvalFor: ({ source }) => (source === undefined ? "allow" : "ask"),
    run: async ({ content, source: wanted }, signal, context) => {
      const source = wanted === undefined ? undefined : fullSource(wanted);
      if (wanted !== undefined && source === undefined) {
        return { content: `Nobody can be reached at "${wanted}"; a source is platform-ws: and a name`, is_error: true };
      }
      const owner = await post(options, { content, source, context, signal });
      return { content: `Posted to ${owner}.`, is_error: false };
    },
  } satisfies Tool<typeof Input>;
}

interface Post {
  readonly content: string;
  readonly source: string | undefined; // the session's own
  readonly context: CallContext;
  readonly signal: AbortSignal;
}

/** Resolves with the source that it went to. */
async function post(
  { bus, sessions, config, onError }: PostMessageToolOptions,
  { content, source, context: { call, inbound, sessionSource }, signal }: Post,
): Promise<string> {
  const own = { session_id: inbound.session_id, source: sessionSource };
  const existing = source === undefined ? own : sessions.resolve(source);
  const created = source === undefined || existing ? undefined : newSession(config, source, inbound.agent_id);
  const { session_id, source: sessionOf } = existing ?? created ?? own;
  const posted: PostedEvent = {
    type: "PostedEvent",
    session_id,
    source: formatSource({ kind: "agent", id: inbound.agent_id }),
    content,
    timestamp: Date.now() / 1000,
    error: null,
    run_id: call.run_id,
    turn: call.turn,
    tool_call_id: call.tool_call_id,
  };
  const events = created ? [sessionEvent(created, { action: "created", title: null }), posted] : [posted];
  await appendPatiently({ bus, onError }, events, { sessionSource: sessionOf, key: `post:${callId(call)}`, signal });
  return sessionOf;
}

/** A name alone is a client's; agents are not talked to in this way. */
function fullSource(text: string): string | undefined {
  const parsed = parseSource(text);
  if (parsed) return parsed.kind === "agent" ? undefined : text;
  return text.includes(":") ? undefined : formatSource({ kind: "platform-ws", id: text });
}
