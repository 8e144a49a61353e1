import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startHeartbeat } from "../../src/transport/heartbeat.ts";

test("[DOOR6] a peer that does not answer a ping is dropped by the next; one that answers stays", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = startHeartbeat([server], 50);
  const alive = new WebSocket(url);
  const dead = new WebSocket(url, { autoPong: false });
  let pings = 0;
  alive.on("ping", () => pings++);
  await Promise.all([once(alive, "open"), once(dead, "open")]);
  await once(dead, "close");
  while (pings < 4) await once(alive, "ping");
  expect(server.clients.size).toBe(1);
  stop();
  alive.terminate();
  server.close();
});
