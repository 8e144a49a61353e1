import type { BotEvent, DurableEvent, EventType, InboundEvent, SessionEvent } from "./events.ts";
import type { AbortInput, Receipt, SendInput } from "./messages.ts";
import type {
  AgentView,
  CreateSessionInput,
  HistoryInput,
  InfoView,
  ListSessionsInput,
  RenameSessionInput,
  SessionDetails,
  SessionPage,
  SessionView,
} from "./views.ts";

/**
 * Position of an event in a log: opaque to clients, bound to one store.
 * `"0"` is before the first event of any store. `<cursor>.<n>` names an ephemeral event after `<cursor>` and resumes there.
 */
export type Cursor = string;

/** An event as one subscriber receives it. */
export interface EventRecord<E extends BotEvent = BotEvent> {
  readonly cursor: Cursor;
  /** Shared by all subscribers: never change it. */
  readonly event: E;
}

export interface EventFilter {
  readonly session_id?: string | undefined;
  /** A full source: events of all sessions that belong to it. */
  readonly source?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
}

export interface SubscribeOptions {
  /** Resume after this cursor; absent: live from now. */
  readonly after?: Cursor | undefined;
  readonly filter?: EventFilter | undefined;
  readonly signal: AbortSignal;
}

/** A page of one session's events in log order. */
export interface HistoryPage {
  readonly records: readonly EventRecord<DurableEvent>[];
  /** Pass it as `before` for the page that comes earlier; null on the first. */
  readonly before: Cursor | null;
}

export interface SendResult {
  readonly receipt: Receipt;
  /** The durable message; of a duplicate, the original. */
  readonly record: EventRecord<InboundEvent>;
}

/** What every door talks to. Rejects with BotError on whatever the caller did wrong. */
export interface Gateway {
  /** Resolves once the message would survive a crash (SPEC BUS1). */
  send(input: SendInput): Promise<SendResult>;
  /** Records after `after`, then new ones, in order, until `signal` aborts (SPEC BUS4). */
  events(options: SubscribeOptions): AsyncIterable<EventRecord>;
  /** Stops running and queued runs; resolves with their ids once each has its OutboundEvent. */
  abort(input: AbortInput): Promise<{ run_ids: string[] }>;
  listSessions(input: ListSessionsInput): SessionPage;
  /** With its open runs. */
  getSession(sessionId: string): SessionDetails;
  history(input: HistoryInput): HistoryPage;
  createSession(input: CreateSessionInput): Promise<SessionView>;
  renameSession(input: RenameSessionInput): Promise<EventRecord<SessionEvent>>;
  /** Stops the session's runs and removes its events from the log. */
  deleteSession(sessionId: string): Promise<EventRecord<SessionEvent>>;
  listAgents(): AgentView[];
  info(): InfoView;
}
