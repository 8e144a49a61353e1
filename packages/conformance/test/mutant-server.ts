/**
 * A small server that keeps the promises that the runs of the kit look at, over `/ws?events=all` and as much of tRPC as
 * they use, and with one sentence on its command line breaks one of them: `mutant-server.ts <port> <folder> [mutation]`.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { pauseOf } from "../src/model/paced-model.ts";
import { answerTo } from "../src/model/scripted-model.ts";
import {
  append,
  closeLog,
  folder,
  follow,
  growWal,
  type LogEvent,
  mutation,
  next,
  nextCursor,
  port,
  queue,
  readers,
  records,
  type StoredRecord,
  type WireEvent,
} from "./mutant-log.ts";
import { type Refusal, type RpcCalls, serveRpcRequest, serveRpcSocket } from "./mutant-rpc-doors.ts";

const LATE_MS = 200;
const LONGEST_PAUSE_MS = 50;
const lanes = new Map<string, Promise<void>>(); // by session
const open = new Map<string, AbortController>(); // by run
const rawSockets = new Set<WebSocket>();

interface SentMessage {
  readonly message_id: string;
  readonly source: string;
  readonly content: string;
}

function receive(message: SentMessage): StoredRecord | Refusal | undefined {
  const source = `platform-ws:${message.source}`;
  if (mutation === "swallows messages" && /1\d of/.test(message.content)) return undefined;
  const earlier = [...records, ...queue].find(
    ({ event }) => event.message_id === message.message_id && event.source === source,
  );
  if (earlier && mutation !== "does not deduplicate") return receiveAgain(earlier, message.content);
  const { message_id, content } = message;
  const run_id = `run-${source}-${message_id}-${mutation === "does not deduplicate" ? next : ""}`;
  const kept = mutation === "changes contents" ? `${content}!` : content;
  const event: LogEvent = { type: "InboundEvent", session_id: source, source, content: kept, run_id, message_id };
  const record = append(event);
  schedule(event);
  if (mutation === "lets its write-ahead log grow") growWal();
  return record;
}

function receiveAgain(earlier: StoredRecord, content: string): StoredRecord | Refusal | undefined {
  const isIndifferent = mutation === "accepts conflicts" || mutation === "changes contents";
  if (earlier.event.content !== content && !isIndifferent) {
    return { code: mutation === "names conflicts wrongly" ? "BAD_REQUEST" : "CONFLICT", message: "Known otherwise" };
  }
  if (mutation === "does not answer duplicates") return undefined;
  if (mutation === "tells duplicates to everyone") tellEveryone(earlier);
  return mutation === "answers duplicates with a new cursor" ? { ...earlier, cursor: nextCursor() } : earlier;
}

function tellEveryone({ event, cursor }: StoredRecord): void {
  for (const socket of rawSockets) socket.send(JSON.stringify({ ...event, cursor }));
}

/** One run at a time in a session. */
function schedule(event: LogEvent): void {
  const lane = mutation === "lets sessions wait for each other" ? "all" : event.session_id;
  const before = mutation === "answers out of order" ? undefined : lanes.get(lane);
  open.set(event.run_id, new AbortController());
  lanes.set(
    lane,
    (before ?? Promise.resolve()).then(() => run(event)),
  );
}

async function run(event: LogEvent): Promise<void> {
  const controller = open.get(event.run_id);
  if (!controller) return;
  await pause(event.content, controller.signal);
  answer(event, controller.signal.aborted);
  open.delete(event.run_id);
}

/** As long as the model would take; a request that hangs really waits for it. */
async function pause(content: string, signal: AbortSignal): Promise<void> {
  const ms = pauseOf(content);
  if (ms !== undefined)
    return delay(ms || Math.random() * LONGEST_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  const { llm } = JSON.parse(readFileSync(join(folder, "..", "config.user.yaml"), "utf8"));
  const body = JSON.stringify({ messages: [{ role: "user", content }] });
  const isCut = mutation !== "goes on asking the model";
  const asked = fetch(`${llm.api_base}/chat/completions`, { method: "POST", body, ...(isCut && { signal }) });
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  await Promise.race([asked.catch(() => undefined), stopped]);
}

function abort({ run_id }: { run_id: string }): { run_ids: string[] } {
  const controller = open.get(run_id);
  if (!controller || mutation === "does not abort") return { run_ids: [] };
  controller.abort();
  if (mutation === "loses what waits behind a stopped run") open.clear();
  return { run_ids: [run_id] };
}

function answer(inbound: LogEvent, isAborted = false): void {
  const { run_id, session_id, content } = inbound;
  if (mutation === "never answers some" && /7( of|$| \d)/.test(content)) return;
  const text = isAborted ? "" : answerTo(mutation === "mixes up answers" ? content.replace("7", "8") : content);
  const pieces = [text.slice(0, 4), text.slice(mutation === "repeats a piece of text" ? 0 : 4)];
  for (const [index, piece] of pieces.entries()) broadcastDelta({ run_id, session_id, index, piece });
  const error = isAborted ? "Stopped" : null;
  const outbound = { type: "OutboundEvent", session_id, source: "agent:m", content: text, error, run_id };
  append(outbound);
  if (mutation === "answers twice" && next % 5 === 0) append(outbound);
}

interface Piece {
  readonly index: number;
  readonly piece: string;
  readonly run_id: string;
  readonly session_id: string;
}

function broadcastDelta({ index, piece, ...ids }: Piece): void {
  const delta = { type: "DeltaEvent", ...ids, turn: 0, offset: index * 4, content: piece };
  for (const reader of readers) reader.send(delta, `${records.at(-1)?.cursor}.${index}`);
}

/** Now and then a message waits, and the next one overtakes it. */
function delayMs(): number {
  return mutation === "lets messages overtake" && Math.random() < 0.2 ? LATE_MS : 0;
}

function serveRaw(socket: WebSocket, query: URLSearchParams): void {
  const tell = (event: object): void => socket.send(JSON.stringify(event));
  const refuse = (message: string): void => tell({ type: "error", message });
  const take = (text: string): void => {
    const reply = receive(JSON.parse(text));
    if (reply && "code" in reply) refuse(reply.message);
    else if (reply) tell({ ...reply.event, cursor: reply.cursor });
  };
  socket.on("message", (data) => {
    const wait = delayMs();
    if (wait === 0) take(data.toString());
    else setTimeout(take, wait, data.toString());
  });
  rawSockets.add(socket);
  socket.on("close", () => rawSockets.delete(socket));
  if (query.has("session")) return;
  const reader = {
    send: (event: WireEvent, cursor: string) => tell({ ...event, cursor }),
    refuse: (message: string) => {
      refuse(message);
      socket.close(mutation === "closes refused sockets as if all was well" ? 1000 : 1008);
    },
    hangUp: () => socket.terminate(),
  };
  socket.on("close", follow(reader, query.get("after")));
}

const calls: RpcCalls = {
  send: (input) => {
    const before = next;
    const reply = receive(input as SentMessage);
    if (!reply || "code" in reply) return reply ?? { code: "SERVICE_UNAVAILABLE", message: "No" };
    const { run_id, session_id, message_id } = reply.event;
    const duplicate = next === before && mutation !== "calls duplicates new";
    return { cursor: reply.cursor, session_id, run_id, message_id, duplicate };
  },
  abort,
  follow,
};

const server = createServer((request, response) => {
  if (request.url?.startsWith("/trpc/")) void serveRpcRequest(request, response, calls);
  else response.end("ok");
});
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, request) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  socket.on("error", () => socket.terminate());
  if (pathname === "/trpc") serveRpcSocket(socket, calls);
  else serveRaw(socket, searchParams);
});
process.on("SIGTERM", () => {
  closeLog();
  process.exit(mutation === "stops with an error" ? 1 : 0);
});
server.listen(Number(port), "127.0.0.1");

if (mutation !== "forgets open runs") {
  const answered = new Set(
    records.filter(({ event }) => event.type === "OutboundEvent").map(({ event }) => event.run_id),
  );
  for (const { event } of records) if (event.type === "InboundEvent" && !answered.has(event.run_id)) schedule(event);
}
