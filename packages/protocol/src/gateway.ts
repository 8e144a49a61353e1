import type { Attachment } from "./attachment.ts";
import type {
  ApprovalRequestedEvent,
  BotEvent,
  DurableEvent,
  EventType,
  InboundEvent,
  SessionEvent,
} from "./events.ts";
import type { AbortInput, ApprovalReceipt, ApproveInput, Receipt, SendInput } from "./messages.ts";
import type {
  AgentView,
  CommandView,
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

export interface FollowOptions {
  /** Resume after this cursor; absent: live from now. */
  readonly after?: Cursor | undefined;
  readonly filter?: EventFilter | undefined;
}

export interface SubscribeOptions extends FollowOptions {
  readonly signal: AbortSignal;
}

/** Records that go out together, in order. Readers at the same place get the same array: what is made of it can be shared. */
export type EventBatch = readonly EventRecord[];

/** Whoever is given the events as they come. Neither function may throw. */
export interface EventReader {
  /** Takes all of the batch. False: no more until `resume`; meanwhile the log keeps what comes, and deltas are skipped. */
  take(batch: EventBatch): boolean;
  /** The log cannot be read (a BotError): nothing more comes. */
  fail(error: unknown): void;
}

/** One reader's place in the log. */
export interface Following {
  /** There is room again. */
  resume(): void;
  stop(): void;
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

/** An image with its bytes. */
export interface AttachmentData {
  readonly attachment: Attachment;
  readonly data: Uint8Array;
}

/** What every door talks to. Rejects with BotError on whatever the caller did wrong. */
export interface Gateway {
  /** Resolves once the message would survive a crash (SPEC BUS1). */
  send(input: SendInput): Promise<SendResult>;
  /** Keeps an image for messages to name; resolves once it would survive a crash. Again gives the same (SPEC IMG1). */
  upload(data: Uint8Array): Promise<Attachment>;
  /** An image that was uploaded. Throws NOT_FOUND when there is none with this id. */
  download(attachmentId: string): AttachmentData;
  /** Records after `after`, then new ones, in order, until `signal` aborts (SPEC BUS4). */
  events(options: SubscribeOptions): AsyncIterable<EventRecord>;
  /** The same for a reader that is called, for many of them the cheaper way; the first batch may come before it returns. */
  follow(options: FollowOptions, reader: EventReader): Following;
  /** Stops running and queued runs; resolves with their ids once each has its OutboundEvent. */
  abort(input: AbortInput): Promise<{ run_ids: string[] }>;
  /** Answers a request for approval; resolves once the decision is durable. The first answer counts (SPEC APR2). */
  approve(input: ApproveInput): Promise<ApprovalReceipt>;
  /** The requests that wait for an answer, oldest first. */
  listApprovals(): ApprovalRequestedEvent[];
  listSessions(input: ListSessionsInput): SessionPage;
  /** With its open runs and requests for approval. */
  getSession(sessionId: string): SessionDetails;
  history(input: HistoryInput): HistoryPage;
  createSession(input: CreateSessionInput): Promise<SessionView>;
  renameSession(input: RenameSessionInput): Promise<EventRecord<SessionEvent>>;
  /** Stops the session's runs and removes its events from the log. */
  deleteSession(sessionId: string): Promise<EventRecord<SessionEvent>>;
  listAgents(): AgentView[];
  /** What a message may begin with, in the order of `/help`. */
  listCommands(): readonly CommandView[];
  info(): InfoView;
}
