import { expect, test } from "vitest";
import { startScriptedModel } from "../../../apps/server/test/support/scripted-model.ts";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { type ConnectionState, createMyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

import { answerOf, fast, llm, reached, readAll } from "./support/read-client.ts";

for (const direction of ["requests", "answers"] as const) {
  test(`[CLT1] a message whose ${direction} are lost with the line is sent again under its id: one event, one run`, async () => {
    await using server = await startServer();
    await using proxy = await startCuttingProxy(server.url);
    await using client = createMyBotClient({ url: proxy.url });
    await using direct = createMyBotClient({ url: server.url });
    await client.info();
    const receipt = await proxy.lose(direction, () => client.send({ source: "test", content: "Hi" }));
    expect(receipt.duplicate).toBe(direction === "answers");
    await answerOf(direct, receipt.run_id);
    const events = (await readAll(direct)).map(({ event }) => event);
    const inbound = events.filter(({ type }) => type === "InboundEvent");
    expect(inbound).toMatchObject([{ message_id: receipt.message_id, run_id: receipt.run_id }]);
    expect(events.filter(({ type }) => type === "RunStartedEvent")).toHaveLength(1);
  });
}

test("[CLT1] calls in great number and messages of full size share a connection without refusal", async () => {
  await using server = await startServer({ config: fast });
  await using client = createMyBotClient({ url: server.url });
  const states: ConnectionState[] = [];
  client.connection.subscribe((state) => states.push(state));
  const sendMany = (count: number, content: string) =>
    Promise.all(Array.from({ length: count }, (_, i) => client.send({ source: `s${i}`, content })));
  const receipts = [...(await sendMany(90, "Hi")), ...(await sendMany(30, "ä".repeat(32_000)))];
  expect(new Set(receipts.map(({ run_id }) => run_id)).size).toBe(120);
  expect(states).toEqual(["connecting", "open"]); // a frame over the limit would have closed the socket
});

test("[CLT1] a server that says 'slow down' is asked again until it agrees", async () => {
  await using server = await startServer({ config: { llm, api: { limits: { messages_per_second: 5 } } } });
  await using client = createMyBotClient({ url: server.url });
  const names = await Promise.all(Array.from({ length: 26 }, async () => (await client.info()).name));
  expect(names).toHaveLength(26); // 20 at once, the others in their turn
});

test("[CLT2] what the server refuses for good rejects with its code and sentence", async () => {
  await using server = await startServer({ config: { llm, api: { token: "a-token-of-24-characters" } } });
  await using stranger = createMyBotClient({ url: server.url });
  await expect(stranger.send({ source: "test", content: "Hi" })).rejects.toMatchObject({
    name: "MyBotClientError",
    code: "UNAUTHORIZED",
    message: "This server needs its token",
  });
  await expect(readAll(stranger)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await using client = createMyBotClient({ url: server.url, token: "a-token-of-24-characters" });
  await client.send({ source: "test", content: "Hi", message_id: "m1" });
  const refusals = [
    [() => client.send({ source: "test", content: "Other", message_id: "m1" }), "CONFLICT"],
    [() => client.send({ source: "", content: "Hi" }), "BAD_REQUEST"],
    [() => client.sessions.get("nowhere"), "NOT_FOUND"],
    [() => readAll(client, { after: "not a cursor" }), "BAD_REQUEST"],
    [() => client.send({ source: "test", content: "x".repeat(100_000) }), "PAYLOAD_TOO_LARGE"],
    [() => client.send({ source: "test", content: "x".repeat(2_000_000) }), "PAYLOAD_TOO_LARGE"], // no frame may be so long
  ] as const;
  for (const [call, code] of refusals) await expect(call()).rejects.toMatchObject({ name: "MyBotClientError", code });
});

test("[CLT2] an address that is none is refused at once, and every way to write a good one works", async () => {
  for (const url of ["", "localhost:8000", "ftp://localhost", "http://", "http://localhost/?a=b"]) {
    expect(() => createMyBotClient({ url })).toThrow(TypeError);
  }
  await using server = await startServer();
  for (const url of [server.url, `${server.url}/`, server.url.replace("http", "ws")]) {
    await using client = createMyBotClient({ url });
    expect((await client.info()).name).toBe("my-bot");
  }
});

test("[CLT7] sessions and agents are read and changed", async () => {
  await using server = await startServer();
  await using client = createMyBotClient({ url: server.url });
  const { session_id } = await client.sessions.create({ source: "test", title: "First" });
  await client.ask({ source: "test", session_id, content: "Hi" });
  const renamed = await client.sessions.rename(session_id, "Second");
  expect(renamed.event).toMatchObject({ type: "SessionEvent", action: "renamed", title: "Second" });
  expect(await client.sessions.get(session_id)).toMatchObject({ title: "Second", message_count: 2 });
  expect((await client.sessions.list({ limit: 1 })).sessions).toMatchObject([{ session_id }]);
  const { records } = await client.sessions.history({ session_id });
  expect(records.map(({ event }) => event.type)).toContain("OutboundEvent");
  expect((await client.agents.list()).filter(({ is_default }) => is_default)).toHaveLength(1);
  await client.sessions.delete(session_id);
  expect((await client.sessions.list()).sessions).toEqual([]);
});

test("[CLT7] deleting and renaming, which do no harm twice, are made again after a lost connection", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  const { session_id } = await client.sessions.create({ source: "test" });
  const renamed = await proxy.lose("answers", () => client.sessions.rename(session_id, "New"));
  expect(renamed.event).toMatchObject({ title: "New" });
  await proxy.lose("answers", () => client.sessions.delete(session_id));
  await expect(client.sessions.delete(session_id)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("[CLT7] a change whose answer was lost is not made twice", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  await client.info();
  const creating = proxy.lose("answers", () => client.sessions.create({ source: "test" }));
  await expect(creating).rejects.toMatchObject({ name: "ConnectionLostError" });
  expect((await client.sessions.list()).sessions).toHaveLength(1);
});

test("[CLT8] the state of the connection can be watched", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  const client = createMyBotClient({ url: proxy.url });
  const states: ConnectionState[] = [client.connection.state];
  const stop = client.connection.subscribe((state) => states.push(state));
  client.connection.subscribe((state) => expect(client.connection.state).toBe(state));
  expect(proxy.lines).toBe(0); // it connects at the first call
  await client.info();
  proxy.cut();
  await reached(client, "connecting");
  await client.info();
  await client.close();
  expect(states).toEqual(["idle", "connecting", "open", "connecting", "open", "closed"]);
  stop();
  expect(client.connection.state).toBe("closed");
});

test("[CLT9] close ends whatever is pending, at once, and closes the socket", async () => {
  await using model = await startScriptedModel(async (reply) => {
    reply.text("And then ");
    await reply.gone;
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using proxy = await startCuttingProxy(server.url);
  const client = createMyBotClient({ url: proxy.url });
  const begun = Promise.withResolvers<void>();
  const asking = client.ask({ source: "test", content: "Hi" }, { onDelta: () => begun.resolve() });
  await begun.promise;
  proxy.swallow("requests");
  const swallowed = proxy.swallowed();
  const sending = client.send({ source: "test", content: "Hi" });
  const closed = { name: "MyBotClientError", code: "CLOSED" };
  const ends = Promise.all([
    expect(asking).rejects.toMatchObject(closed),
    expect(sending).rejects.toMatchObject(closed),
  ]);
  const reading = readAll(client, { after: undefined });
  await swallowed;
  await Promise.all([client.close(), client.close()]);
  await ends;
  expect(await reading).toEqual([]);
  await expect(client.info()).rejects.toMatchObject(closed);
  expect(await readAll(client)).toEqual([]);
});

test("[CLT9] closing over a dead line takes a second, not the half minute of a closing handshake", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  const client = createMyBotClient({ url: proxy.url });
  await client.info();
  proxy.swallow("requests");
  const begun = performance.now();
  await client.close();
  expect(performance.now() - begun).toBeLessThan(2500);
});
