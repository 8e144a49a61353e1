import { expect, test } from "vitest";
import { startScriptedModel } from "../../../apps/server/test/support/scripted-model.ts";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { createMyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

import { reached } from "./support/read-client.ts";

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
