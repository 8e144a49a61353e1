import type { InboundEvent } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { connectRaw, type Frame } from "../support/raw-client.ts";
import { startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

const MESSAGES = 50;

test("[BUS1] [RUN2] [RUN3] kill -9 with 50 messages in flight: all that was acknowledged is answered exactly once", async () => {
  await using model = await startScriptedModel(async (reply, { messages }) => {
    reply.text("re: ");
    await new Promise((resolve) => setTimeout(resolve, 20));
    reply.text(`${messages.at(-1)?.content}`);
    reply.finish("stop");
  });
  const api = { limits: { messages_per_second: 1000 } };
  await using server = await startServer({ config: { llm: model.llm, api } });
  for (let round = 0; round < 3; round++) {
    const acknowledged = new Set<string>();
    const before = connectTrpcWs(server.url);
    const cursor = (await followTrpc(before.client, undefined).next("SyncedEvent")).id;
    await using witness = await connectRaw(server.url, `?events=all&after=${cursor}`);
    const raw = await connectRaw(server.url, "?events=all");
    const sends = Array.from({ length: MESSAGES }, (_, i) => {
      const message = { source: `s${i % 7}`, content: `r${round} m${i}`, message_id: `r${round}-m${i}` };
      if (i % 2 === 0) raw.send(message);
      return i % 2 === 0
        ? raw.next("InboundEvent").then(inboundId)
        : before.client.send.mutate(message).then(({ message_id }) => message_id);
    });
    for (const send of sends) send.then((id) => acknowledged.add(id)).catch(() => undefined);
    await Promise.all(sends.slice(0, 10 + 5 * round)); // some are acknowledged, some are on their way
    await witness.next("OutboundEvent");
    const seen = witness.frames.filter(isMessage);
    await server.stop("SIGKILL");
    await before.close();
    await server.start();

    const resumed = await connectRaw(server.url, `?events=all&after=${seen.at(-1)?.cursor}`);
    const all = [...seen];
    const isDone = (): boolean => {
      const answered = new Set(all.filter(({ type }) => type === "OutboundEvent").map(({ run_id }) => run_id));
      const inbound = all.filter(({ type }) => type === "InboundEvent");
      const known = new Set(inbound.map(({ message_id }) => message_id));
      return [...acknowledged].every((id) => known.has(id)) && inbound.every(({ run_id }) => answered.has(run_id));
    };
    while (!isDone()) {
      const frame = await resumed.next();
      if (isMessage(frame)) all.push(frame);
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(10);
    const inbound = all.filter(({ type }) => type === "InboundEvent");
    const outbound = all.filter(({ type }) => type === "OutboundEvent");
    expect(new Set(inbound.map(({ message_id }) => message_id)).size).toBe(inbound.length);
    expect(new Set(outbound.map(({ run_id }) => run_id)).size).toBe(outbound.length);
    expect(outbound.map(({ error }) => error)).toEqual(outbound.map(() => null));
    expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(all.length);
    const stored = await storedMessages(server.url, cursor);
    expect(all.map((frame) => frame.cursor)).toEqual(stored);
    await resumed[Symbol.asyncDispose]();
    await raw[Symbol.asyncDispose]();
  }
});

function isMessage({ type }: Frame): boolean {
  return type === "InboundEvent" || type === "OutboundEvent";
}

function inboundId(frame: Frame): string {
  return String((frame as unknown as InboundEvent).message_id);
}

/** What the log itself holds: the witness must have seen just this. */
async function storedMessages(url: string, after: string): Promise<string[]> {
  const { client, close } = connectTrpcWs(url);
  const followed = followTrpc(client, { lastEventId: after, types: ["InboundEvent", "OutboundEvent"] });
  await followed.next("SyncedEvent");
  followed.stop();
  await close();
  return followed.all.filter(({ data }) => data.type !== "SyncedEvent").map(({ id }) => id);
}

test("[RUN4] a run that a crash cut short goes on from its tool results; the calls are not made again", async () => {
  const second = Promise.withResolvers<void>();
  await using model = await startScriptedModel(
    (reply) => {
      reply.toolCall(0, "call_a", "read", { path: "notes.md" });
      reply.finish("tool_calls");
    },
    async (reply) => {
      reply.text("half an ans");
      second.resolve();
      await reply.gone;
    },
    (reply) => {
      reply.text("whole");
      reply.finish("stop");
    },
  );
  await using server = await startServer({ config: { llm: model.llm }, files: { "notes.md": "42" } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Read my notes" });
  await second.promise;
  await server.stop("SIGKILL");
  await server.start();
  await using resumed = await connectRaw(server.url, "?events=all&after=0");
  expect(await resumed.next("OutboundEvent")).toMatchObject({ content: "whole", error: null });
  const count = (type: string) => resumed.frames.filter((frame) => frame.type === type).length;
  expect([count("RunStartedEvent"), count("ToolCallEvent"), count("ToolResultEvent")]).toEqual([1, 1, 1]);
  expect(model.requests[2]?.messages.slice(1).map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
});

test("[RUN3] [bug contract-4.12] [bug queue-cleared] messages that a server was killed with, or stopped with, are answered after the next start", async () => {
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const asked = Promise.withResolvers<void>();
    await using model = await startScriptedModel(
      async (reply) => {
        asked.resolve();
        await reply.gone;
      },
      (reply) => {
        reply.text("late but here");
        reply.finish("stop");
      },
    );
    await using server = await startServer({ config: { llm: model.llm, api: { drain_seconds: 0.1 } } });
    await using client = await connectRaw(server.url);
    for (const content of ["one", "two", "three"]) client.send({ source: "test", content });
    for (let i = 0; i < 3; i++) await client.next("InboundEvent");
    await asked.promise; // one is running, two wait
    expect(await server.stop(signal)).toBe(signal === "SIGTERM" ? 0 : null);
    await server.start();
    await using later = await connectRaw(server.url, "?after=0");
    for (let i = 0; i < 3; i++) {
      expect(await later.next("OutboundEvent")).toMatchObject({ content: "late but here", error: null });
    }
  }
});

test("[RUN13] [WS9] a server that stops finishes the answer it is at, and takes and begins nothing more", async () => {
  const asked = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  await using model = await startScriptedModel(
    async (reply) => {
      reply.text("half ");
      asked.resolve();
      await finish.promise;
      reply.text("and half");
      reply.finish("stop");
    },
    (reply) => {
      reply.text("after the restart");
      reply.finish("stop");
    },
  );
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "one" });
  client.send({ source: "test", content: "two" });
  await asked.promise;
  const exit = server.stop("SIGTERM");
  let refusal = "";
  while (refusal === "") {
    client.send({ source: "late", content: "three" }); // until the signal has arrived, it is taken
    refusal = String((await client.next()).message ?? "");
  }
  expect(refusal).toMatch(/stopping/);
  finish.resolve();
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "half and half", error: null });
  expect((await client.closed).code).toBe(1012);
  expect(await exit).toBe(0);
  expect(model.requests.every(({ messages }) => messages.at(-1)?.content !== "two")).toBe(true);
  await server.start();
  await using later = await connectRaw(server.url, "?after=0&source=test");
  const answers = [await later.next("OutboundEvent"), await later.next("OutboundEvent")];
  expect(answers.map(({ content }) => content)).toEqual(["half and half", "after the restart"]);
});
