import type { Cursor, InboundEvent, ListSessionsInput, SessionPage, SessionView } from "@my-bot/protocol";

export interface SessionOwner {
  readonly session_id: string;
  readonly source: string;
  readonly agent_id: string;
  /** The session that dispatched a task to this one. */
  readonly parent_session_id: string | null;
  /** The model that was chosen for this session; null: that of its agent. */
  readonly model: string | null;
  /** Messages that wait for their answer, the running one included. */
  readonly open_runs: number;
}

/** What the log says about sessions and open runs: a fold over its events, kept beside it. Rules: SPEC SES. */
export interface SessionStore {
  /** The session that a source's messages go to; sees events that are published but not yet committed. */
  resolve(source: string): SessionOwner | undefined;
  /** Like `resolve`, by session id. */
  owner(sessionId: string): SessionOwner | undefined;
  /** The sessions of all tasks that came from this one, at any depth; sees uncommitted ones. */
  descendants(sessionId: string): readonly SessionOwner[];
  get(sessionId: string): SessionView | undefined;
  /** The first `limit` messages of a session that wait for their answer, in the order of the log. */
  openMessages(sessionId: string, limit: number): readonly InboundEvent[];
  list(input: ListSessionsInput): SessionPage;
  /** Is this run still without its OutboundEvent? */
  isOpen(runId: string): boolean;
  /** A cursor before the oldest open run, from which a worker finds all of them; the end of the log when none is open. */
  resumeCursor(): Cursor;
}
