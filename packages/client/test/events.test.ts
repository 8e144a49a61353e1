import { EventEmitter, once } from "node:events";
import type { EventRecord } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { createMyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

import { fast, llm, reached, readAll } from "./support/read-client.ts";

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
  const records = client.events({ types: ["InboundEvent"] })[Symbol.asyncIterator]();
  const first = await proxy.lose("answers", () => records.next());
  expect(first.value?.event).toEqual({ type: "SyncedEvent" });
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
