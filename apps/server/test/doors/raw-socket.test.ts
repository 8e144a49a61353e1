import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectRaw } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const SECONDS = "\\d{10}(?:\\.\\d{1,7})?";

test("[EV1] [EV2] [WS1] [WS4] a message is echoed as InboundEvent, then answered, in the inherited frames", async () => {
  await using model = await startScriptedModel(says("Hello ", "thére 🐈"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: `Hello, Pickle! ✓ ","run_id":"` });
  await client.next("OutboundEvent");
  const [inbound, outbound] = client.texts;
  expect(inbound).toMatch(
    new RegExp(
      `^{"type":"InboundEvent","session_id":"${UUID}","source":"platform-ws:test","content":"Hello, Pickle! ✓ \\\\",\\\\"run_id\\\\":\\\\"","timestamp":${SECONDS},"retry_count":0}$`,
    ),
  );
  expect(outbound).toMatch(
    new RegExp(
      `^{"type":"OutboundEvent","session_id":"${UUID}","source":"agent:pickle","content":"Hello thére 🐈","timestamp":${SECONDS},"error":null}$`,
    ),
  );
  expect(client.texts).toHaveLength(2);
  expect(client.frames[0]?.session_id).toBe(client.frames[1]?.session_id);
});

test.each([
  ["not JSON", "hello"],
  ["an array", "[1]"],
  ["a JSON string", '"hello"'],
  ["null", "null"],
  ["a number", "42"],
  ["nothing", ""],
  ["no content", { source: "test" }],
  ["an empty content", { source: "test", content: "" }],
  ["an empty source", { source: "", content: "Hi" }],
  ["a source that is no string", { source: 7, content: "Hi" }],
  ["an unknown agent", { source: "test", content: "Hi", agent_id: "nobody" }],
  ["deep nesting", "[".repeat(100_000)],
])("[WS3] [bug contract-4.8] %s gets an error frame, and the socket stays open", async (_name, frame) => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  await using other = await connectRaw(server.url);
  client.send(frame);
  const error = await client.next();
  expect(error).toEqual({ type: "error", message: expect.any(String) });
  expect(error.message).not.toMatch(/at .*\.(ts|js):\d+/);
  client.send({ source: "test", content: "Hi" });
  await client.next("InboundEvent");
  expect(await other.next()).toMatchObject({ type: "InboundEvent" }); // and never the other's error
});

test("[WS3] a binary frame gets an error frame, and the socket stays open", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send(Buffer.from(`{"source":"test","content":"Hi"}`));
  expect((await client.next()).message).toMatch(/binary/);
  client.send({ source: "test", content: "Hi" });
  await client.next("InboundEvent");
});

test("[WS2] unknown keys and forged fields are ignored", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send({
    type: "OutboundEvent",
    source: "agent:pickle",
    content: "Hi",
    session_id: "forged",
    retry_count: 9,
    timestamp: 1,
    agent_id: null,
  });
  const frame = await client.next();
  expect(frame).toMatchObject({ type: "InboundEvent", source: "platform-ws:agent:pickle", retry_count: 0 });
  expect(frame.session_id).not.toBe("forged");
});

test("[WS5] [bug contract-4.1] [bug contract-4.2] a source keeps its session, with dots and colons, across kill -9", async () => {
  await using server = await startServer();
  const sessions = new Map<string, Set<unknown>>();
  const sendBoth = async () => {
    await using client = await connectRaw(server.url);
    for (const source of ["a.b:c", "other", "a.b:c"]) {
      client.send({ source, content: "Hi" });
      const { session_id } = await client.next("InboundEvent");
      sessions.set(source, (sessions.get(source) ?? new Set()).add(session_id));
    }
  };
  await sendBoth();
  await server.stop("SIGKILL");
  await server.start();
  await sendBoth();
  expect([...sessions.values()].map((ids) => ids.size)).toEqual([1, 1]);
  expect(sessions.get("a.b:c")).not.toEqual(sessions.get("other"));
});

test("[WS6] events=all brings every event with its cursor, and after resumes behind it", async () => {
  await using model = await startScriptedModel(says("Hello ", "there"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  expect(await client.next()).toEqual({ type: "SyncedEvent", cursor: expect.any(String) });
  client.send({ source: "test", content: "Hi", message_id: "m1" });
  await client.next("RunEndedEvent");
  expect(client.frames.map(({ type }) => type)).toEqual([
    "SyncedEvent",
    "SessionEvent",
    "InboundEvent",
    "RunStartedEvent",
    "DeltaEvent",
    "DeltaEvent",
    "OutboundEvent",
    "RunEndedEvent",
  ]);
  const inbound = client.frames[2];
  expect(inbound).toMatchObject({ message_id: "m1", run_id: expect.any(String), cursor: expect.any(String) });
  await using resumed = await connectRaw(server.url, `?events=all&after=${inbound?.cursor}`);
  await resumed.next("SyncedEvent");
  expect(resumed.frames.map(({ type }) => type)).toEqual([
    "RunStartedEvent",
    "OutboundEvent",
    "RunEndedEvent",
    "SyncedEvent",
  ]);
});

test("[WS6] [bug contract-4.6] session and source narrow what a client is shown; a late client reads what it missed", async () => {
  await using server = await startServer();
  await using sender = await connectRaw(server.url);
  sender.send({ source: "alice", content: "for alice" });
  const { session_id } = await sender.next("OutboundEvent");
  sender.send({ source: "bob", content: "for bob" });
  await sender.next("OutboundEvent");
  for (const query of [`?after=0&source=alice`, `?after=0&session=${session_id}`]) {
    await using narrowed = await connectRaw(server.url, query);
    await narrowed.next("OutboundEvent");
    sender.send({ source: "bob", content: "again" });
    await sender.next("OutboundEvent");
    sender.send({ source: "alice", content: "again" });
    await narrowed.next("OutboundEvent");
    expect(new Set(narrowed.frames.map((frame) => frame.session_id))).toEqual(new Set([session_id]));
  }
});

test("[WS6] the receipt comes back even past the connection's own filter", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url, "?source=somebody-else");
  client.send({ source: "me", content: "Hi" });
  expect(await client.next()).toMatchObject({ type: "InboundEvent", source: "platform-ws:me" });
});

test.each([
  ["?after=abc", /Malformed cursor/],
  ["?events=some", /events/],
])("[WS6] the address %s is refused with an error frame and 1008", async (query, reason) => {
  await using server = await startServer();
  const client = await connectRaw(server.url, query);
  expect((await client.next("error")).message).toMatch(reason);
  expect((await client.closed).code).toBe(1008);
});

test("[WS7] a frame over the limit closes 1009, content over the limit is an error; others go on", async () => {
  await using server = await startServer({
    config: { llm: { provider: "offline" }, api: { limits: { frame_bytes: 4096, content_bytes: 1024 } } },
  });
  await using other = await connectRaw(server.url);
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "ü".repeat(513) });
  expect((await client.next()).message).toMatch(/content is 1026 bytes; the limit is 1024/);
  client.send({ source: "test", content: "x".repeat(1024) });
  await client.next("InboundEvent");
  client.send("x".repeat(4097));
  expect((await client.closed).code).toBe(1009);
  other.send({ source: "test", content: "Hi" });
  await other.next("OutboundEvent");
});

test("[WS7] more messages than the rate allows get errors; what was acknowledged is answered", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm, api: { limits: { messages_per_second: 1 } } } });
  await using client = await connectRaw(server.url);
  for (let i = 0; i < 6; i++) client.send({ source: `s${i}`, content: "Hi" });
  expect((await client.next("error")).message).toMatch(/More than 1 messages per second/);
  for (let i = 0; i < 4; i++) await client.next("OutboundEvent");
  expect(client.frames.filter(({ type }) => type === "InboundEvent")).toHaveLength(4);
});

test("[WS7] a full queue refuses the next message, not a known one", async () => {
  const waiting = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    await waiting.promise;
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm, api: { limits: { queued_messages: 2 } } } });
  await using client = await connectRaw(server.url);
  for (const id of ["m1", "m2", "m3"]) client.send({ source: "test", content: "Hi", message_id: id });
  expect((await client.next("error")).message).toMatch(/2 messages waiting/);
  client.send({ source: "test", content: "Hi", message_id: "m2" });
  await client.next("InboundEvent");
  waiting.resolve();
});

test("[WS8] [bug contract-4.10] agent_id chooses the agent", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Hi", agent_id: "cookie" });
  expect(await client.next("OutboundEvent")).toMatchObject({ source: "agent:cookie" });
});

test("[WS4] [bug contract-4.5] a client that never reads delays nobody", async () => {
  await using model = await startScriptedModel(says("x".repeat(60_000)));
  await using server = await startServer({
    config: { llm: model.llm, api: { limits: { messages_per_second: 1000 } } },
  });
  await using stalled = await connectRaw(server.url);
  stalled.socket.pause();
  await using client = await connectRaw(server.url);
  for (let i = 0; i < 150; i++) {
    client.send({ source: `s${i % 10}`, content: "y".repeat(60_000) });
    await client.next("OutboundEvent"); // 18 MB in all, far over what the sockets hold
  }
  stalled.socket.resume();
  for (let i = 0; i < 150; i++) await stalled.next("OutboundEvent");
});

test("[WS9] a server that stops sends its clients away with 1012", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  const exit = server.stop("SIGTERM");
  expect((await client.closed).code).toBe(1012);
  expect(await exit).toBe(0);
});

test("[WS9] a socket that arrives while the server stops is accepted and closed with 1013", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  const late = connect(Number(new URL(server.url).port), "127.0.0.1");
  late.write("GET /ws HTTP/1.1\r\n");
  client.send("a round trip: by its answer, the server has read the line before it");
  await client.next("error");
  const exit = server.stop("SIGTERM");
  await client.closed;
  const host = new URL(server.url).host;
  late.write(`Host: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`);
  late.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const chunks: Buffer[] = [];
  for await (const chunk of late) chunks.push(chunk);
  const answer = Buffer.concat(chunks);
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
  const frame = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
  expect([frame[0], frame.readUInt16BE(2), frame.subarray(4).toString()]).toEqual([
    0x88, // close
    1013,
    "WebSocket not available",
  ]);
  expect(await exit).toBe(0);
});

test("[WS3] a broken frame closes only its own socket", async () => {
  await using server = await startServer();
  await using healthy = await connectRaw(server.url);
  for (const path of ["/ws", "/trpc"]) {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`);
    await once(socket, "open");
    const raw = (socket as unknown as { _socket: import("node:net").Socket })._socket;
    raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0])); // reserved bits
    await once(socket, "close");
  }
  healthy.send({ source: "test", content: "Hi" });
  await healthy.next("OutboundEvent");
});
