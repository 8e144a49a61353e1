import {
  ApproveFrame,
  type ApproveInput,
  BotError,
  ClientMessage,
  type EventFilter,
  type EventRecord,
  type FollowOptions,
  formatIssues,
  formatSource,
  type Gateway,
  type InboundEvent,
} from "@my-bot/protocol";
import type { RawData, WebSocket } from "ws";
import type { Connection } from "./connection.ts";
import type { EventFrames } from "./event-frames.ts";
import { FrameReader } from "./frame-reader.ts";
import { errorFrame, fullFrame, INHERITED_TYPES, inheritedFrame, receiptFrame } from "./raw-frame.ts";
import { textFrame } from "./text-frame.ts";

export interface RawSocketDeps {
  readonly gateway: Gateway;
  readonly socket: WebSocket;
  readonly connection: Connection;
  readonly query: URLSearchParams;
  readonly frames: EventFrames;
  /** Failures that are not the client's doing. */
  readonly onError: (error: unknown) => void;
}

const POLICY_VIOLATION = 1008;

/** Serves one raw `/ws` socket until it closes: every frame is a message or an answer, every event a frame (SPEC WS). */
export function serveRawSocket(deps: RawSocketDeps): void {
  const { socket, connection, query } = deps;
  const isFull = query.get("events") === "all";
  const refuse = (cause: unknown): void => {
    sendError(deps, cause);
    socket.close(POLICY_VIOLATION);
  };
  try {
    const options = parseQuery(query);
    const frames = isFull ? deps.frames.full : deps.frames.inherited;
    const reader = new FrameReader({ socket, connection, frames, beginning: "", onFail: refuse });
    const toFrame = isFull ? fullFrame : inheritedFrame;
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN || !connection.admitFrame()) return; // it was sent away, with its token say
      void receive(deps, { data, isBinary, filter: options.filter, toFrame });
    });
    socket.on("close", () => reader.stop());
    reader.attach(deps.gateway.follow(options, reader));
  } catch (cause) {
    refuse(cause);
  }
}

function parseQuery(query: URLSearchParams): FollowOptions & { readonly filter: EventFilter } {
  const source = query.get("source");
  const events = query.get("events");
  if (events !== null && events !== "all") throw new BotError("BAD_REQUEST", `events: the only value is "all"`);
  return {
    after: query.get("after") ?? undefined,
    filter: {
      session_id: query.get("session") ?? undefined,
      source: source === null ? undefined : formatSource({ kind: "platform-ws", id: source }),
      types: events === "all" ? undefined : INHERITED_TYPES,
    },
  };
}

interface ReceivedFrame {
  readonly data: RawData;
  readonly isBinary: boolean;
  readonly filter: EventFilter;
  readonly toFrame: (record: EventRecord) => string | undefined;
}

/** One message or answer in. */
async function receive(deps: RawSocketDeps, frame: ReceivedFrame): Promise<void> {
  try {
    deps.connection.countCall();
    const input = parseInput(frame);
    if ("decision" in input) reply(deps, receiptFrame(await deps.gateway.approve(input)));
    else await sendMessage(deps, input, frame);
  } catch (cause) {
    sendError(deps, cause);
  }
}

/** Its receipt is the event that the log brings; what the log will not bring is sent from here. */
async function sendMessage(deps: RawSocketDeps, message: ClientMessage, frame: ReceivedFrame): Promise<void> {
  const { receipt, record } = await deps.gateway.send(message);
  if (!receipt.duplicate && !isFilteredOut(record.event, frame.filter)) return;
  const text = frame.toFrame(record);
  if (text !== undefined) reply(deps, text);
}

/** A raw client writes into its source's own session, so the message's source is the session's. */
function isFilteredOut(event: InboundEvent, { session_id, source }: EventFilter): boolean {
  return (
    (session_id !== undefined && session_id !== event.session_id) || (source !== undefined && source !== event.source)
  );
}

/** What reads as a message is one, whatever else it says: so it was for the clients we inherit (SPEC APR3). */
function parseInput({ data, isBinary }: ReceivedFrame): ClientMessage | ApproveInput {
  if (isBinary) throw new BotError("BAD_REQUEST", "Validation error: send JSON as a text frame, not a binary one");
  const json = parseJson(data.toString());
  const message = ClientMessage.safeParse(json);
  if (message.success) return message.data;
  const answer = ApproveFrame.safeParse(json);
  if (answer.success) return answer.data;
  const { error } = isAnswer(json) ? answer : message;
  throw new BotError("BAD_REQUEST", `Validation error: ${formatIssues(error)}`);
}

function isAnswer(json: unknown): boolean {
  return typeof json === "object" && json !== null && "type" in json && json.type === "approve";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BotError("BAD_REQUEST", `Validation error: not JSON; send {"source": "…", "content": "…"}`);
  }
}

function sendError(deps: RawSocketDeps, cause: unknown): void {
  if (!(cause instanceof BotError)) deps.onError(cause);
  reply(deps, errorFrame(cause instanceof BotError ? cause.message : "Internal server error"));
}

/** A peer that is leaving is told nothing more. */
function reply({ socket, connection }: RawSocketDeps, text: string): void {
  if (socket.readyState === socket.OPEN) connection.write(textFrame(text));
}
