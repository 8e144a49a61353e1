/**
 * A server that asks no model at all and breaks the promises about runs, over `/ws?events=all` and `/healthz` only:
 * `mutant-agent.ts <port> <workspace> <mutation>`.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { answerTo } from "../src/model/scripted-model.ts";

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

const [port, folder = ".", mutation] = process.argv.slice(2);
const config: { llm: { api_key: string } } = JSON.parse(readFileSync(join(folder, "config.user.yaml"), "utf8"));
const log: Event[] = [];
const sockets = new Set<WebSocket>();

function publish(event: Event): void {
  if (event.type !== "DeltaEvent") log.push({ ...event, cursor: `m-${log.length + 1}` });
  const json = JSON.stringify({ ...event, cursor: `m-${log.length}` });
  for (const socket of sockets) socket.send(json);
}

function receive(data: string): void {
  const { source, content, message_id = content } = JSON.parse(data);
  const run_id = `run-${content}`;
  const ids = { session_id: source, run_id };
  publish({ type: "InboundEvent", source, content, message_id, ...ids });
  if (mutation === "dies") process.exit(1);
  if (mutation === "never answers") return;
  const text = mutation === "tells its key" ? config.llm.api_key : answerTo(content);
  const pieces = [text.slice(0, 4), text.slice(4)];
  for (const [index, piece] of pieces.entries()) {
    publish({ type: "DeltaEvent", ...ids, turn: 0, offset: index * 4, content: piece });
    if (mutation === "repeats a piece") publish({ type: "DeltaEvent", ...ids, turn: 0, offset: 4, content: piece });
  }
  const outbound = { type: "OutboundEvent", source: "agent:m", content: text, error: null, ...ids };
  publish(outbound);
  if (mutation === "answers twice") publish(outbound);
}

const server = createServer((_request, response) => void response.end("ok"));
new WebSocketServer({ server }).on("connection", (socket, request) => {
  const query = new URL(request.url ?? "", "http://localhost").searchParams;
  socket.on("error", () => socket.terminate());
  socket.on("close", () => sockets.delete(socket));
  socket.on("message", (data) => receive(data.toString()));
  if (query.has("after")) for (const event of log) socket.send(JSON.stringify(event));
  socket.send(JSON.stringify({ type: "SyncedEvent", cursor: `m-${log.length}` }));
  sockets.add(socket);
});
server.listen(Number(port), "127.0.0.1");
