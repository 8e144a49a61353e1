/**
 * A broadcast over `ws`: `ws-peer.ts plain` as its README shows it, `ws-peer.ts prebuilt` with a frame that is made once.
 * Either sends what a client says back to it; `ws-peer.ts durable` is plain, and stores all that it sends first, synced,
 * in a transaction of its own.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WebSocket, WebSocketServer } from "ws";
import { SharedFrames } from "../../apps/server/src/transport/shared-frames.ts";
import { type LoadEvent, serveOrders } from "./control.ts";
import { timeCommits } from "./time-commits.ts";

const wss = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
await once(wss, "listening");
const frames = new SharedFrames(({ event }) => JSON.stringify(event));

function sendPlain(event: LoadEvent): void {
  const data = JSON.stringify(event);
  rows?.add(data);
  for (const client of wss.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(data);
  }
}

const rows = process.argv[2] === "durable" ? openRows() : undefined;

function openRows() {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  const database = new DatabaseSync(join(dir, "rows.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (body TEXT)");
  const insert = database.prepare("INSERT INTO rows VALUES (?)");
  const takeCommits = timeCommits(database);
  return {
    takeCommits,
    add: (body: string): void => {
      database.exec("BEGIN IMMEDIATE");
      insert.run(body);
      database.exec("COMMIT");
    },
  };
}

const tcpSockets = new Set<import("node:net").Socket>();
wss.on("connection", (client, { socket }) => {
  client.on("message", (data) => {
    rows?.add(data.toString());
    client.send(data, { binary: false });
  });
  tcpSockets.add(socket);
  socket.on("close", () => tcpSockets.delete(socket));
});

function sendPrebuilt(event: LoadEvent): void {
  const bytes = frames.of([{ cursor: "", event }], "");
  for (const socket of tcpSockets) if (bytes) socket.write(bytes);
}

const send = process.argv[2] === "prebuilt" ? sendPrebuilt : sendPlain;
serveOrders({
  port: (wss.address() as AddressInfo).port,
  publish: (events) => events.forEach(send),
  takeCommits: () => rows?.takeCommits() ?? [],
});
