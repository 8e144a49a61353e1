import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { text, type WireEvent } from "./wire-event.ts";

const SEND_LIMIT_MS = 10_000;

/** Each in a session of its own; resolves when all are durable. */
export async function sendContents(port: number, contents: readonly string[]): Promise<void> {
  const waiting = new Set(contents);
  const acked = Promise.withResolvers<void>();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&session=none`);
  socket.on("error", () => acked.resolve()); // what was not taken is not answered: that is counted
  socket.on("message", (data) => {
    const event: WireEvent = JSON.parse(data.toString());
    if (event.type === "InboundEvent") waiting.delete(text(event.content) ?? "");
    if (waiting.size === 0) acked.resolve();
  });
  await once(socket, "open").catch(() => undefined);
  for (const content of contents) {
    socket.send(JSON.stringify({ source: content.replace(/\W+/g, "-"), content, message_id: content }));
  }
  await Promise.race([acked.promise, delay(SEND_LIMIT_MS)]);
  socket.terminate();
}
