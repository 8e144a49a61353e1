import { randomUUID } from "node:crypto";
import type { SessionEvent } from "@my-bot/protocol";
import type { SessionOwner } from "../session/session-store.ts";
import type { Config } from "../workspace/config.ts";
import { routeSource } from "./routing.ts";

/** A session that is still to be published, of `agentId` or whom the bindings name for the source. */
export function newSession(
  { routing, default_agent }: Pick<Config, "routing" | "default_agent">,
  source: string,
  agentId?: string | null,
): SessionOwner {
  return {
    session_id: randomUUID(),
    source,
    agent_id: agentId ?? routeSource(routing.bindings, source, default_agent),
    parent_session_id: null,
    model: null,
    open_runs: 0,
  };
}

/** The action, and what belongs to it. */
export type SessionChange = Pick<SessionEvent, "action"> &
  Partial<Pick<SessionEvent, "agent_id" | "title" | "model" | "up_to" | "summary">>;

/** Something that happens to a session. */
export function sessionEvent(
  { session_id, source, agent_id }: Pick<SessionOwner, "session_id" | "source" | "agent_id">,
  change: SessionChange,
): SessionEvent {
  const { action, ...rest } = change;
  const timestamp = Date.now() / 1000;
  return { type: "SessionEvent", session_id, action, source, agent_id, title: null, timestamp, ...rest };
}
