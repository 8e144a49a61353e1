import type {
  AbortInput,
  AgentView,
  AppRouter,
  ApprovalReceipt,
  ApprovalRequestedEvent,
  Attachment,
  CommandView,
  EventRecord,
  HistoryPage,
  InfoView,
  OutboundEvent,
  Receipt,
  SendInput,
  SessionDetails,
  SessionEvent,
  SessionPage,
  SessionView,
} from "@my-bot/protocol";
import type { inferRouterInputs } from "@trpc/server";
import type { AskOptions } from "./ask.ts";
import type { ConnectionState } from "./connection.ts";
import type { EventsOptions } from "./event-stream.ts";

type Inputs = inferRouterInputs<AppRouter>;

/** Where the server is, and what it asks for. */
export interface MyBotClientOptions {
  /** `http(s)://host:port` or `ws(s)://host:port`; the path `/trpc` is added. */
  readonly url: string;
  /** The server's token, when it has one. */
  readonly token?: string | undefined;
  /** For runtimes without a global WebSocket. */
  readonly WebSocket?: typeof WebSocket | undefined;
}

/** Ends the waiting for a call; it rejects with the signal's reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection to a my-bot server that heals itself. Calls wait for the server as long as it takes; they reject with
 * MyBotClientError when it refuses or the client closes, and with the signal's reason when that aborts.
 */
export interface MyBotClient {
  /** The connection as a user sees it: `idle` before the first call, `closed` for good after `close()`. */
  readonly connection: {
    readonly state: ConnectionState;
    /** Calls `listener` at every change until the returned function is called. */
    subscribe(listener: (state: ConnectionState) => void): () => void;
  };
  /**
   * Resolves once the message is durable. Safe to lose the connection at any time: the message is sent again with the
   * same `message_id` (made here when absent), which the server takes once.
   */
  send(input: SendInput, options?: CallOptions): Promise<Receipt>;
  /**
   * Records from `after` on, or from when the iteration starts, without gap or repetition across lost connections and
   * server restarts; live text may start afresh. A reader may be as slow as it likes. Ends with the signal or `close()`.
   */
  events(options?: EventsOptions): AsyncIterable<EventRecord>;
  /** Sends a message and resolves with its answer; rejects with code `RUN_FAILED` when the run fails or is aborted. */
  ask(input: SendInput, options?: AskOptions): Promise<OutboundEvent>;
  /** Stops one run, or all runs of a session, the waiting ones too; resolves with the ids of those it stopped. */
  abort(input: AbortInput): Promise<{ run_ids: string[] }>;
  /**
   * Answers a request for approval; `source` is your name in the log. The first answer counts: a later one resolves with it as
   * `duplicate`, or rejects with CONFLICT when it is another one.
   */
  approve(input: Inputs["approve"]): Promise<ApprovalReceipt>;
  readonly approvals: {
    /** The requests of all sessions that wait for an answer, oldest first. */
    list(): Promise<readonly ApprovalRequestedEvent[]>;
  };
  /** Version, features, limits and the kind of model. */
  info(options?: CallOptions): Promise<InfoView>;
  readonly sessions: {
    /** Newest first; `next` of a page is the `page` of the one after it. */
    list(input?: Inputs["sessions"]["list"]): Promise<SessionPage>;
    /** With the messages that wait for their answer, each of which `abort` stops by its `run_id`. */
    get(sessionId: string): Promise<SessionDetails>;
    /** The last `limit` events in log order; `before` of a page leads to the one that comes earlier. */
    history(input: Inputs["sessions"]["history"]): Promise<HistoryPage>;
    /** Not repeated by itself: rejects with ConnectionLostError when it may or may not have happened. */
    create(input: Inputs["sessions"]["create"]): Promise<SessionView>;
    rename(sessionId: string, title: string): Promise<EventRecord<SessionEvent>>;
    /** Stops the session's runs and removes its events. */
    delete(sessionId: string): Promise<void>;
  };
  readonly attachments: {
    /**
     * Gives an image (PNG, JPEG, WebP or GIF) to the server and resolves once it is durable; `send` takes its `id` in
     * `attachments`. The same image has the same id, so a lost connection does no harm.
     */
    upload(image: Blob | Uint8Array<ArrayBuffer>, options?: CallOptions): Promise<Attachment>;
    /** The bytes of an image, and its type. */
    download(attachmentId: string, options?: CallOptions): Promise<Blob>;
  };
  readonly agents: {
    list(): Promise<readonly AgentView[]>;
  };
  readonly commands: {
    /** What a message may begin with, such as `/help`. */
    list(): Promise<readonly CommandView[]>;
  };
  /** Ends every call and iteration; resolves when no socket or timer is left. */
  close(): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
