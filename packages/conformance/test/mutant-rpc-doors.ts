import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import { readBody } from "../src/model/scripted-model.ts";
import type { WireEvent } from "./mutant-log.ts";

/** Why a message was not taken. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What the doors of tRPC ask of the mutant server. */
export interface RpcCalls {
  send(input: unknown): object | Refusal;
  abort(input: { run_id: string }): object;
  follow(reader: RpcReader, after: unknown): () => void;
}

export interface RpcReader {
  send(event: WireEvent, cursor: string): void;
  refuse(message: string): void;
}

interface RpcMessage {
  readonly id: number;
  readonly params: { readonly path: string; readonly input?: unknown; readonly lastEventId?: string };
}

/** As much of tRPC over a WebSocket as stock clients need for `send` and `events`. */
export function serveRpcSocket(socket: WebSocket, calls: RpcCalls): void {
  socket.on("message", (data) => {
    const messages: RpcMessage | RpcMessage[] = JSON.parse(data.toString());
    for (const message of [messages].flat()) serveCall(socket, calls, message);
  });
}

function serveCall(socket: WebSocket, calls: RpcCalls, { id, params }: RpcMessage): void {
  const { path, input, lastEventId } = params;
  const reply = (message: object): void => socket.send(JSON.stringify({ id, ...message }));
  if (path === "events") {
    const given = input as { lastEventId?: unknown } | undefined;
    socket.on("close", calls.follow(toReader(reply), lastEventId ?? given?.lastEventId));
    return;
  }
  const result = calls.send(input);
  if (isRefusal(result)) reply({ error: { code: -32_600, message: result.message, data: { code: result.code } } });
  else reply({ result: { type: "data", data: result } });
}

function isRefusal(result: object): result is Refusal {
  return "code" in result;
}

function toReader(reply: (message: object) => void): RpcReader {
  return {
    send: (event, cursor) => reply({ result: { type: "data", data: { id: cursor, data: event } } }),
    refuse: (message) => reply({ error: { code: -32_600, message, data: { code: "BAD_REQUEST" } } }),
  };
}

/** `abort` by POST, `events` as server-sent events. */
export async function serveRpcRequest(request: IncomingMessage, response: ServerResponse, calls: RpcCalls) {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  if (pathname !== "/trpc/events") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ result: { data: calls.abort(JSON.parse(await readBody(request))) } }));
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const input = JSON.parse(searchParams.get("input") ?? "{}");
  const reader: RpcReader = {
    send: (event, cursor) => response.write(`data: ${JSON.stringify(event)}\nid: ${cursor}\n\n`),
    refuse: (message) => response.end(`event: serialized-error\ndata: ${JSON.stringify({ message })}\n\n`),
  };
  response.on("close", calls.follow(reader, request.headers["last-event-id"] ?? input.lastEventId));
}
