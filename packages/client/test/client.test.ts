import { EventEmitter, once } from "node:events";
import type { EventRecord } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { startScriptedModel } from "../../../apps/server/test/support/scripted-model.ts";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { type ConnectionState, createMyBotClient, type MyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

const llm = { provider: "offline" };
const fast = { llm, api: { limits: { messages_per_second: 100_000, queued_messages: 100_000 } } };

/** The events so far, up to the one that ends the backlog. */
async function readAll(client: MyBotClient, options: Parameters<MyBotClient["events"]>[0] = {}) {
  const records: EventRecord[] = [];
  for await (const record of client.events({ after: "0", ...options })) {
    if (record.event.type === "SyncedEvent") break;
    records.push(record);
  }
  return records;
}

async function reached(client: MyBotClient, wanted: ConnectionState): Promise<void> {
  if (client.connection.state === wanted) return;
  await new Promise<void>((resolve) => {
    const stop = client.connection.subscribe((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}

for (const direction of ["requests", "answers"] as const) {
  test(`[CLT1] a message whose ${direction} are lost with the line is sent again under its id: one event, one run`, async () => {
    await using server = await startServer();
    await using proxy = await startCuttingProxy(server.url);
    await using client = createMyBotClient({ url: proxy.url });
    await using direct = createMyBotClient({ url: server.url });
    await client.info();
    proxy.swallow(direction);
    const swallowed = proxy.swallowed();
    const sending = client.send({ source: "test", content: "Hi" });
    await swallowed;
    proxy.cut();
    const receipt = await sending;
    expect(receipt.duplicate).toBe(direction === "answers");
    await answerOf(direct, receipt.run_id);
    const events = (await readAll(direct)).map(({ event }) => event);
    const inbound = events.filter(({ type }) => type === "InboundEvent");
    expect(inbound).toMatchObject([{ message_id: receipt.message_id, run_id: receipt.run_id }]);
    expect(events.filter(({ type }) => type === "RunStartedEvent")).toHaveLength(1);
  });
}

async function answerOf(client: MyBotClient, runId: string) {
  for await (const { event } of client.events({ after: "0", types: ["OutboundEvent"] })) {
    if (event.type === "OutboundEvent" && event.run_id === runId) return event;
  }
  throw new Error("The stream ended before the answer");
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

test("[CLT3] events come once and in order over 20 and more drops in mid-frame", async () => {
  await using server = await startServer({ config: fast });
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  await using direct = createMyBotClient({ url: server.url });
  const stop = new AbortController();
  const received: EventRecord[] = [];
  const synced = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const record of client.events({ types: ["InboundEvent"], signal: stop.signal })) {
      if (record.event.type === "SyncedEvent") synced.resolve();
      else received.push(record);
      if (record.event.type === "InboundEvent" && record.event.content === "last") stop.abort();
    }
  })();
  await synced.promise;
  proxy.cutInAnswers(4, 25);
  const sends = Array.from({ length: 150 }, (_, i) => client.send({ source: `s${i % 10}`, content: `${i}` }));
  await Promise.all(sends);
  while (proxy.cuts < 25) await client.info();
  await client.send({ source: "last", content: "last" });
  await reading;
  expect(received).toHaveLength(151);
  expect(received).toEqual(await readAll(direct, { types: ["InboundEvent"] }));
});

test("[CLT3] a subscription that loses its line before the first frame is live when it says so", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  await client.info();
  proxy.swallow("answers");
  const swallowed = proxy.swallowed();
  const records = client.events({ types: ["InboundEvent"] })[Symbol.asyncIterator]();
  const first = records.next();
  await swallowed;
  proxy.cut();
  expect((await first).value?.event).toEqual({ type: "SyncedEvent" });
  await client.send({ source: "test", content: "Hi" });
  expect((await records.next()).value?.event).toMatchObject({ type: "InboundEvent", content: "Hi" });
  await records.return?.();
});

test("[CLT3] calls and events go on after kill -9 and a restart of the server", async () => {
  await using server = await startServer();
  await using client = createMyBotClient({ url: server.url });
  const records = client.events({ types: ["InboundEvent"] })[Symbol.asyncIterator]();
  await records.next();
  for (const content of ["one", "two", "three"]) {
    await client.send({ source: "test", content });
    await server.stop("SIGKILL");
    await reached(client, "connecting");
    const asked = client.info(); // waits for the server
    await server.start();
    expect((await asked).name).toBe("my-bot");
  }
  const contents: string[] = [];
  while (contents.length < 3) {
    const { value } = await records.next();
    if (value?.event.type === "InboundEvent") contents.push(value.event.content);
  }
  expect(contents).toEqual(["one", "two", "three"]);
  await records.return?.();
});

test("[CLT4] a reader that stands still stops the stream, and later gets everything once", async () => {
  await using server = await startServer({ config: fast });
  const sent: string[] = [];
  const stops = new EventEmitter();
  class WatchedWebSocket extends WebSocket {
    override send(data: string): void {
      sent.push(data);
      if (data.includes("subscription.stop")) stops.emit("stop");
      super.send(data);
    }
  }
  await using client = createMyBotClient({ url: server.url, WebSocket: WatchedWebSocket });
  await Promise.all(Array.from({ length: 2500 }, (_, i) => client.sessions.create({ source: `s${i}` })));
  const cursors: string[] = [];
  let stopped = once(stops, "stop");
  for await (const { cursor, event } of client.events({ after: "0" })) {
    if (event.type === "SyncedEvent") break;
    if (cursors.length === 0 || cursors.length === 1001) {
      await stopped; // this one is taken and a thousand wait behind it; the log keeps the rest
      stopped = once(stops, "stop");
    }
    cursors.push(cursor);
  }
  expect(new Set(cursors).size).toBe(2500);
  expect(cursors).toHaveLength(2500);
  expect(sent.filter((frame) => frame.includes('"subscription"'))).toHaveLength(3);
});

test("[CLT4] leaving the loop ends the subscription, and so does the signal", async () => {
  await using server = await startServer({ config: { llm, api: { limits: { subscriptions: 1 } } } });
  await using client = createMyBotClient({ url: server.url });
  await readAll(client);
  const stop = new AbortController();
  for await (const { event } of client.events({ signal: stop.signal })) {
    if (event.type === "SyncedEvent") stop.abort(); // a second subscription would wait for ever if the first were open
  }
  expect(await readAll(client)).toEqual([]);
});

test("[CLT5] ask streams its own run and resolves with the answer, over a drop in mid-answer", async () => {
  const resumed = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    reply.text("Hello ");
    await resumed.promise;
    reply.text("there, ", "friend");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  const pieces: string[] = [];
  const answer = await client.ask(
    { source: "test", content: "Hi" },
    {
      onDelta: (text, event) => {
        expect(event).toMatchObject({ offset: pieces.join("").length, content: text, turn: 0 });
        pieces.push(text);
        if (pieces.length > 1) return;
        proxy.cut();
        void reached(client, "open").then(() => resumed.resolve());
      },
    },
  );
  expect(answer).toMatchObject({ type: "OutboundEvent", content: "Hello there, friend", error: null });
  expect(pieces.join("")).toBe(answer.content);
});

test("[CLT5] ask survives a killed server; another beginning of the answer replaces the first", async () => {
  const spoken = Promise.withResolvers<void>();
  await using model = await startScriptedModel(
    async (reply) => {
      reply.text("An unfinished");
      await reply.gone;
    },
    (reply) => {
      reply.text("A finished ", "answer");
      reply.finish("stop");
    },
  );
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = createMyBotClient({ url: server.url });
  let shown = "";
  const asking = client.ask(
    { source: "test", content: "Hi" },
    {
      onDelta: (text, { offset }) => {
        shown = offset === 0 ? text : shown + text;
        if (shown === "An unfinished") spoken.resolve();
      },
    },
  );
  await spoken.promise;
  await server.stop("SIGKILL");
  await server.start();
  expect((await asking).content).toBe("A finished answer");
  expect(shown).toBe("A finished answer");
});

test("[CLT5] pieces of every turn make its text, even of an answer that was ready before anyone listened", async () => {
  await using model = await startScriptedModel(
    (reply) => {
      reply.text("I look ", "it up. ");
      reply.toolCall(0, "c1", "read", { path: "README.md" });
      reply.finish("tool_calls");
    },
    (reply) => {
      reply.text("Here ", "it is.");
      reply.finish("stop");
    },
  );
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = createMyBotClient({ url: server.url });
  const ask = async () => {
    const turns: string[] = [];
    const message = { source: "test", content: "Read it", message_id: "m1" };
    const { content } = await client.ask(message, {
      onDelta: (text, { turn }) => {
        turns[turn] = (turns[turn] ?? "") + text;
      },
    });
    expect(content).toBe("Here it is.");
    return turns;
  };
  expect(await ask()).toEqual(["I look it up. ", "Here it is."]);
  expect(await ask()).toEqual(["I look it up. ", "Here it is."]); // from the log
  expect(model.requests).toHaveLength(2);
});

test("[CLT6] a failed run rejects ask with RUN_FAILED and the event", async () => {
  await using model = await startScriptedModel((reply) => reply.fail(400, "no such thing"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = createMyBotClient({ url: server.url });
  await expect(client.ask({ source: "test", content: "Hi" })).rejects.toMatchObject({
    name: "MyBotClientError",
    code: "RUN_FAILED",
    message: expect.stringMatching(/./),
    event: { type: "OutboundEvent", error: expect.stringMatching(/./) },
  });
});

test("[CLT6] abort ends a run, and a deleted session ends the asking", async () => {
  await using model = await startScriptedModel(async (reply) => {
    reply.text("And then ");
    await reply.gone;
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = createMyBotClient({ url: server.url });
  const begin = async (source: string) => {
    const begun = Promise.withResolvers<{ run_id: string; session_id: string }>();
    const asking = client.ask({ source, content: "Tell me" }, { onDelta: (_, event) => begun.resolve(event) });
    return { asking, ...(await begun.promise) };
  };
  const first = await begin("first");
  const failed = expect(first.asking).rejects.toMatchObject({ code: "RUN_FAILED", event: { content: "And then " } });
  expect(await client.abort({ run_id: first.run_id })).toEqual({ run_ids: [first.run_id] });
  await failed;
  const second = await begin("second");
  const gone = expect(second.asking).rejects.toMatchObject({ name: "MyBotClientError" });
  await client.sessions.delete(second.session_id);
  await gone;
  await expect(client.sessions.get(second.session_id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const stop = new AbortController();
  const third = client.ask(
    { source: "third", content: "Tell me" },
    { onDelta: () => stop.abort(new Error("enough")), signal: stop.signal },
  );
  await expect(third).rejects.toThrow("enough");
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
  const loseAnswer = async () => {
    proxy.swallow("answers");
    await proxy.swallowed();
    proxy.cut();
  };
  const [renamed] = await Promise.all([client.sessions.rename(session_id, "New"), loseAnswer()]);
  expect(renamed.event).toMatchObject({ title: "New" });
  await Promise.all([client.sessions.delete(session_id), loseAnswer()]);
  await expect(client.sessions.delete(session_id)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("[CLT7] a change whose answer was lost is not made twice", async () => {
  await using server = await startServer();
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  await client.info();
  proxy.swallow("answers");
  const swallowed = proxy.swallowed();
  const creating = expect(client.sessions.create({ source: "test" })).rejects.toMatchObject({
    name: "ConnectionLostError",
  });
  await swallowed;
  proxy.cut();
  await creating;
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
