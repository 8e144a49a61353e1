/**
 * A small server that keeps the promises the crash loop looks at, over `/ws?events=all` only, and with one word on its
 * command line breaks one of them: `mutant-server.ts <port> <folder> [mutation]`.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { answerTo } from "../src/scripted-model.ts";

interface Event {
  readonly type: string;
  readonly run_id: string;
  readonly content: string;
  readonly [key: string]: unknown;
}

interface StoredRecord {
  readonly cursor: string;
  readonly event: Event;
}

interface Reader {
  readonly socket: WebSocket;
  position: number; // in `records`
  isHeld: boolean;
}

const [port, folder = ".", mutation] = process.argv.slice(2);
const LATE_MS = 200;
const logFile = join(folder, "log");
const lockFile = join(folder, "lock");
const readers = new Set<Reader>();
let queue: StoredRecord[] = []; // what mutations store too late

if (mutation === "starts over a stale lock only at the second try" && existsSync(lockFile)) {
  rmSync(lockFile);
  process.exit(1);
}
if (mutation === "keeps a stale lock" && existsSync(lockFile)) {
  process.stderr.write(`${folder} is in use\n`);
  process.exit(1);
}
writeFileSync(lockFile, "");

const records: StoredRecord[] = existsSync(logFile) ? parseLines(readFileSync(logFile, "utf8")) : [];
if (mutation === "forgets on restart" && records.length > 8) {
  records.length -= 4;
  writeFileSync(logFile, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}
let next = records.length - (mutation === "reuses ids" && records.length > 8 ? 3 : 0);

function parseLines(text: string): StoredRecord[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

function append(event: Event): StoredRecord {
  next += 1;
  const record = { cursor: `m-${next}`, event };
  if (mutation === "acknowledges before it stores") {
    queue.push(record);
    return record;
  }
  if (mutation === "shows before it stores") queue.push(record);
  else appendFileSync(logFile, `${JSON.stringify(record)}\n`);
  records.push(record);
  for (const reader of readers) pump(reader);
  return record;
}

function flush(): void {
  const late = queue;
  queue = [];
  appendFileSync(logFile, late.map((record) => `${JSON.stringify(record)}\n`).join(""));
  if (mutation === "acknowledges before it stores") records.push(...late);
  for (const reader of readers) pump(reader);
}
setInterval(flush, LATE_MS);

function pump(reader: Reader): void {
  if (reader.isHeld) return;
  for (const record of records.slice(reader.position)) send(reader.socket, record);
  reader.position = records.length;
}

function send(socket: WebSocket, { cursor, event }: StoredRecord): void {
  socket.send(JSON.stringify({ ...event, cursor }));
}

function receive(socket: WebSocket, text: string): void {
  const { message_id, source, content } = JSON.parse(text);
  if (mutation === "swallows messages" && /1\d of/.test(content)) return;
  const earlier = [...records, ...queue].find(({ event }) => event.message_id === message_id);
  const isNew = earlier === undefined || mutation === "does not deduplicate";
  const run_id = `run-${message_id}-${mutation === "does not deduplicate" ? next : ""}`;
  const event = { type: "InboundEvent", session_id: source, source, content, run_id, message_id };
  const record = isNew ? append(event) : earlier;
  send(socket, record);
  if (isNew) setTimeout(answer, Math.random() * 100, event);
}

function answer(inbound: Event): void {
  if (mutation === "never answers some" && /7 of/.test(inbound.content)) return;
  const { run_id, session_id, content } = inbound;
  const text = answerTo(mutation === "mixes up answers" ? content.replace("7", "8") : content);
  const pieces = [text.slice(0, 4), text.slice(mutation === "repeats a piece of text" ? 0 : 4)];
  for (const [index, piece] of pieces.entries()) broadcastDelta({ run_id, session_id, index, piece });
  const outbound = { type: "OutboundEvent", session_id, source: "agent:m", content: text, error: null, run_id };
  append(outbound);
  if (mutation === "answers twice" && Math.random() < 0.1) append(outbound);
}

function broadcastDelta({
  index,
  piece,
  ...ids
}: {
  index: number;
  piece: string;
  run_id: string;
  session_id: unknown;
}) {
  const delta = { type: "DeltaEvent", ...ids, turn: 0, offset: index * 4, content: piece };
  for (const { socket } of readers) socket.send(JSON.stringify(delta));
}

function subscribe(socket: WebSocket, after: string): void {
  const found = records.findIndex(({ cursor }) => cursor === after.split(".")[0]);
  const reader: Reader = { socket, position: after === "live" ? records.length : found + 1, isHeld: false };
  readers.add(reader);
  socket.on("close", () => readers.delete(reader));
  spoilReplay(reader);
  pump(reader);
  socket.send(JSON.stringify({ type: "SyncedEvent", cursor: `${records.at(-1)?.cursor ?? "0"}.1` }));
  if (mutation === "has a seam after the replay") holdBack(reader);
}

function spoilReplay(reader: Reader): void {
  const [first, second] = records.slice(reader.position);
  if (first === undefined || second === undefined || reader.position === 0) return;
  if (mutation === "drops from the replay") reader.position += 1;
  if (mutation === "repeats in the replay") reader.position -= 1;
  if (mutation === "reorders the replay") {
    send(reader.socket, second);
    send(reader.socket, first);
    reader.position += 2;
  }
}

/** Live events reach it only a while after its replay; those in between nobody gives it. */
function holdBack(reader: Reader): void {
  reader.isHeld = true;
  setTimeout(() => {
    reader.position = records.length;
    reader.isHeld = false;
  }, LATE_MS);
}

/** Now and then a message waits, and the next one overtakes it. */
function delayMs(): number {
  return mutation === "lets messages overtake" && Math.random() < 0.2 ? LATE_MS : 0;
}

const server = createServer((_request, response) => void response.end("ok"));
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, request) => {
  const query = new URL(request.url ?? "", "http://localhost").searchParams;
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => {
    const wait = delayMs();
    if (wait === 0) receive(socket, data.toString());
    else setTimeout(receive, wait, socket, data.toString());
  });
  if (!query.has("session")) subscribe(socket, query.get("after") ?? "live");
});
process.on("SIGTERM", () => {
  flush();
  rmSync(lockFile, { force: true });
  process.exit(mutation === "stops with an error" ? 1 : 0);
});
server.listen(Number(port), "127.0.0.1");

if (mutation !== "forgets open runs") {
  const answered = new Set(
    records.filter(({ event }) => event.type === "OutboundEvent").map(({ event }) => event.run_id),
  );
  for (const { event } of records) {
    if (event.type === "InboundEvent" && !answered.has(event.run_id)) setTimeout(answer, 50, event);
  }
}
