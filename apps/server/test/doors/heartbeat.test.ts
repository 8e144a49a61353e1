import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectRaw } from "../support/raw-client.ts";
import { startServer } from "../support/server-process.ts";

test.each(["/ws", "/trpc"])(
  "[DOOR6] [bug raw-heartbeat] on %s a peer that does not answer a ping is dropped by the next; one that answers stays",
  async (path) => {
    await using server = await startServer({ config: { llm: { provider: "offline" }, api: { ping_seconds: 0.1 } } });
    const url = `${server.url.replace("http", "ws")}${path}`;
    const alive = new WebSocket(url);
    let pings = 0;
    alive.on("ping", () => pings++);
    const dead = new WebSocket(url, { autoPong: false });
    await once(dead, "close");
    while (pings < 5) await once(alive, "ping");
    expect(alive.readyState).toBe(WebSocket.OPEN);
    alive.terminate();
    await using client = await connectRaw(server.url);
    client.send({ source: "test", content: "Hi" });
    await client.next("OutboundEvent");
  },
);
