import { execFileSync } from "node:child_process";
import { on, once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const MESSAGE = "x".repeat(60_000);
const MEGABYTES = 100;
let sources = 0; // a new one for each message: no long conversations for the model

function residentMegabytes({ pid }: ServerProcess): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)])) / 1024;
}

/** Round trips of clients that read, in turn, in milliseconds: what the machine does meanwhile hits all of them alike. */
async function measure(clients: readonly RawClient[], megabytes: number): Promise<number[][]> {
  const latencies = clients.map((): number[] => []);
  const count = Math.ceil((megabytes * 1_000_000) / MESSAGE.length);
  for (let i = 0; i < count; i++) {
    for (const [index, client] of clients.entries()) {
      const start = performance.now();
      client.send({ source: `s${sources++}`, content: MESSAGE });
      await client.next("InboundEvent");
      latencies[index]?.push(performance.now() - start);
    }
  }
  return latencies;
}

function p99(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
}

/** The stock protocol, by hand, so that its socket can be left unread. */
async function subscribeOverTrpc(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/trpc`);
  await once(socket, "open");
  socket.send(JSON.stringify({ id: 1, method: "subscription", params: { path: "events", input: {} } }));
  await once(socket, "message"); // started
  return socket;
}

/** A frame of either door. */
function readFrame(text: string): { type?: string; cursor: string } {
  const frame = JSON.parse(text);
  return frame.result ? { type: frame.result.data?.data?.type, cursor: frame.result.id } : frame;
}

test("[BUS7] [WS4] [RPC2] readers that never read cost a constant: 100 MB past them, and nobody waits (P9)", async () => {
  await using model = await startScriptedModel(says("ok"));
  const limits = { messages_per_second: 100_000, queued_messages: 100_000 };
  const config = { llm: model.llm, api: { limits, ping_seconds: 600 } };
  await using server = await startServer({ config });
  await using other = await startServer({ config }); // without such readers, to compare with
  await using client = await connectRaw(server.url, "?session=none"); // its own receipts only
  await using otherClient = await connectRaw(other.url, "?session=none");
  await measure([client, otherClient], 100); // until the heap has its size
  const before = residentMegabytes(server);

  await using raw = await connectRaw(server.url, "?events=all");
  await raw.next("SyncedEvent");
  raw.socket.pause();
  const rpc = await subscribeOverTrpc(server.url);
  rpc.pause();
  const [latencies = [], otherLatencies = []] = await measure([client, otherClient], MEGABYTES);
  expect(residentMegabytes(server) - before).toBeLessThan(50);
  expect(p99(latencies)).toBeLessThan(p99(otherLatencies) + 50);

  // Read again, both get all of it, in order.
  for (const socket of [raw.socket, rpc]) {
    const messages = on(socket, "message") as AsyncIterable<[Buffer]>;
    socket.resume();
    let [received, last] = [0, 0];
    for await (const [data] of messages) {
      const { type, cursor } = readFrame(String(data));
      if (type !== "InboundEvent") continue;
      const seq = Number(cursor.split("-")[1]);
      expect(seq).toBeGreaterThan(last);
      last = seq;
      received += 1;
      if (received === latencies.length) break;
    }
  }
  rpc.terminate();
}, 300_000);

test.each([
  ["/ws", "not JSON"],
  ["/trpc", "not JSON"],
])("[DOOR8] on %s a flood of %s from a peer that does not read ends with its socket", async (path, frame) => {
  const limits = { buffered_bytes: 65_536 };
  await using server = await startServer({ config: { llm: { provider: "offline" }, api: { limits } } });
  await using client = await connectRaw(server.url);
  const before = residentMegabytes(server);
  const flood = new WebSocket(`${server.url.replace("http", "ws")}${path}`);
  flood.on("error", () => undefined);
  await once(flood, "open");
  flood.pause();
  for (let i = 0; flood.readyState === WebSocket.OPEN && i < 2000; i++) {
    for (let j = 0; j < 1000; j++) flood.send(frame);
    await new Promise((resolve) => flood.send(frame, resolve)); // as fast as the server reads
  }
  flood.terminate();
  expect(residentMegabytes(server) - before).toBeLessThan(150);
  client.send({ source: "test", content: "Hi" });
  await client.next("OutboundEvent");
});
