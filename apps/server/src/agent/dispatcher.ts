import { createHash } from "node:crypto";
import {
  type Cursor,
  type DispatchEvent,
  type DispatchResultEvent,
  formatSource,
  type InboundEvent,
  type OutboundEvent,
  type SessionEvent,
} from "@my-bot/protocol";
import type { EventBus } from "../bus/event-bus.ts";
import type { SessionStore } from "../session/session-store.ts";
import type { AgentRuns } from "./agent-runs.ts";
import { appendPatiently } from "./append-patiently.ts";
import { callId } from "./call-id.ts";
import { RunAborted } from "./run-aborted.ts";
import type { CallContext } from "./tools/tool.ts";

export interface DispatcherDeps {
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  readonly runs: Pick<AgentRuns, "abort" | "childless" | "whileWaiting">;
  readonly onError: (error: unknown) => void;
}

export interface Task {
  readonly agentId: string;
  readonly content: string;
}

/** Gives tasks of one agent to another. */
export interface Dispatcher {
  /** How many dispatches led to a session; 0 for one that nobody was dispatched to. */
  depthOf(sessionId: string): number;
  /**
   * Resolves with what came of the task. The same call again waits for the same child, or finds its result (SPEC AGT6).
   * When `signal` aborts the child is stopped before this rejects, unless it is the server that stops.
   */
  dispatch(task: Task, context: CallContext, signal: AbortSignal): Promise<DispatchResultEvent>;
}

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { sessions, runs } = deps;
  const depthOf = (sessionId: string): number => {
    const parent = sessions.owner(sessionId)?.parent_session_id;
    return parent ? 1 + depthOf(parent) : 0;
  };
  return {
    depthOf,
    dispatch: async (task, context, signal) => {
      const dispatch = dispatchEvent(task, context);
      const after = await publishTask(deps, dispatch, { context, signal });
      try {
        const untilStop = AbortSignal.any([signal, runs.childless(dispatch.run_id)]);
        return await runs.whileWaiting(dispatch.run_id, findResult(deps, dispatch, { after, signal: untilStop }));
      } catch (cause) {
        if (endsChild(signal)) await runs.abort({ run_id: dispatch.child_run_id });
        throw cause;
      }
    },
  };
}

/** The end of a dispatched task, from the answer of the run that had it (SPEC AGT2). */
export function dispatchResultEvent(
  { session_id, source, content, timestamp, error }: OutboundEvent,
  parent: NonNullable<InboundEvent["dispatched_by"]>,
): DispatchResultEvent {
  const { run_id, turn, tool_call_id, session_id: parent_session_id } = parent;
  const inherited = { type: "DispatchResultEvent" as const, session_id, source, content, timestamp, error };
  return { ...inherited, run_id, turn, tool_call_id, parent_session_id };
}

/** The same call always makes the same ids, so that whatever of it is in the log already fits to the rest. */
function dispatchEvent({ agentId, content }: Task, { call, inbound }: CallContext): DispatchEvent {
  const key = callId(call);
  return {
    type: "DispatchEvent",
    session_id: uuidOf(`session:${key}`),
    source: formatSource({ kind: "agent", id: inbound.agent_id }),
    content,
    timestamp: Date.now() / 1000,
    parent_session_id: call.session_id,
    retry_count: 0,
    run_id: call.run_id,
    turn: call.turn,
    tool_call_id: call.tool_call_id,
    agent_id: agentId,
    child_run_id: uuidOf(`run:${key}`),
  };
}

/** In one commit, for ever once. Resolves with a cursor before the result. */
async function publishTask(
  { bus, onError }: DispatcherDeps,
  dispatch: DispatchEvent,
  { context, signal }: { context: CallContext; signal: AbortSignal },
): Promise<Cursor> {
  const key = callId(context.call);
  const append = appendPatiently.bind(undefined, { bus, onError });
  const [, { records }] = await Promise.all([
    append([dispatch], { sessionSource: context.sessionSource, key: `dispatch:${key}`, signal }),
    append(childEvents(dispatch, key), { sessionSource: dispatch.source, key: `child:${key}`, signal }),
  ]);
  return records[0]?.cursor ?? "0"; // the child may have been deleted since
}

function childEvents(dispatch: DispatchEvent, key: string): [SessionEvent, InboundEvent] {
  const { session_id, source, content, timestamp, agent_id, retry_count } = dispatch;
  const { parent_session_id, run_id, turn, tool_call_id } = dispatch;
  return [
    {
      type: "SessionEvent",
      session_id,
      action: "created",
      source,
      agent_id,
      title: null,
      timestamp,
      parent_session_id,
    },
    {
      type: "InboundEvent",
      session_id,
      source,
      content,
      timestamp,
      retry_count,
      run_id: dispatch.child_run_id,
      message_id: key,
      agent_id,
      dispatched_by: { session_id: parent_session_id, run_id, turn, tool_call_id },
    },
  ];
}

async function findResult(
  { bus }: DispatcherDeps,
  dispatch: DispatchEvent,
  { after, signal }: { after: Cursor; signal: AbortSignal },
): Promise<DispatchResultEvent> {
  const filter = { session_id: dispatch.parent_session_id, types: ["DispatchResultEvent" as const] };
  for await (const { event } of bus.subscribe({ after, filter, signal })) {
    if (event.type === "DispatchResultEvent" && event.session_id === dispatch.session_id) return event;
  }
  throw signal.reason;
}

/** Not when the server stops: the next start goes on with both. */
function endsChild({ reason }: AbortSignal): boolean {
  return reason instanceof RunAborted || (reason instanceof DOMException && reason.name === "TimeoutError");
}

/** A UUID (version 8 of RFC 9562) that is the same for the same text. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
