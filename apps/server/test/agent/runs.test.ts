import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

test("[EV5] [RUN5] the first delta reaches a subscriber before the model has finished", async () => {
  const finish = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    reply.text("Hel");
    await finish.promise;
    reply.text("lo");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("DeltaEvent")).toMatchObject({ turn: 0, offset: 0, content: "Hel" });
  await using late = await connectRaw(server.url, "?events=all");
  expect(await late.next("DeltaEvent")).toMatchObject({ offset: 0, content: "Hel" });
  finish.resolve();
  expect(await client.next("DeltaEvent")).toMatchObject({ offset: 3, content: "lo" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Hello", error: null });
  expect(await client.next("RunEndedEvent")).toMatchObject({
    status: "completed",
    usage: { input_tokens: 10, output_tokens: 5 },
  });
});

test("[RUN6] tool calls go round: intents and results are events, and the model gets the results in call order", async () => {
  await using model = await startScriptedModel((reply) => {
    reply.text("Let me look.");
    reply.toolCall(0, "call_a", "read", { path: "notes.md" });
    reply.toolCall(1, "call_b", "read", { path: "../outside.md" });
    reply.finish("tool_calls");
  }, says("It says 42."));
  await using server = await startServer({ config: { llm: model.llm }, files: { "notes.md": "the answer is 42" } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "What do my notes say?" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "It says 42." });
  const calls = client.frames.filter(({ type }) => type === "ToolCallEvent");
  const results = client.frames.filter(({ type }) => type === "ToolResultEvent");
  expect(calls).toMatchObject([
    { turn: 0, tool_call_id: "call_a", name: "read", arguments: `{"path":"notes.md"}`, content: "Let me look." },
    { turn: 0, tool_call_id: "call_b", name: "read", content: "" },
  ]);
  expect(results.find((result) => result.tool_call_id === "call_a")).toMatchObject({ is_error: false });
  expect(results.find((result) => result.tool_call_id === "call_b")).toMatchObject({ is_error: true });
  const second = model.requests[1]?.messages.slice(-3);
  expect(second?.map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual([
    ["assistant", undefined],
    ["tool", "call_a"],
    ["tool", "call_b"],
  ]);
  expect(second?.[1]?.content).toMatch(/the answer is 42/);
  const offered = model.requests[0]?.tools?.map((tool) => tool.function.name);
  expect(offered).toEqual(expect.arrayContaining(["read", "skill"]));
});

test("[RUN1] [bug contract-4.4] quick messages to one session are answered one by one, in order", async () => {
  await using model = await startScriptedModel((reply, { messages }) => {
    reply.text(`re: ${messages.at(-1)?.content}`);
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  const questions = Array.from({ length: 5 }, (_, i) => `q${i}`);
  for (const content of questions) client.send({ source: "test", content });
  for (const question of questions) {
    expect(await client.next("OutboundEvent")).toMatchObject({ content: `re: ${question}` });
  }
  const history = model.requests
    .at(-1)
    ?.messages.slice(1)
    .map(({ content }) => content);
  expect(history).toEqual(["q0", "re: q0", "q1", "re: q1", "q2", "re: q2", "q3", "re: q3", "q4"]);
});

test("[RUN1] a session that hangs holds up no other", async () => {
  const hang = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply, { messages }) => {
    if (messages.at(-1)?.content === "hang") await hang.promise;
    reply.text("done");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "stuck", content: "hang" });
  for (let i = 0; i < 5; i++) {
    client.send({ source: `free${i}`, content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "done" });
  }
  hang.resolve();
  await client.next("OutboundEvent");
});

test("[RUN7] [RUN8] a model that is refused, breaks off or stalls gives one OutboundEvent with an error", async () => {
  const timeouts = { first_byte: 2, idle: 1, total: 5 };
  await using model = await startScriptedModel(
    (reply) => reply.fail(401, "Incorrect API key provided: sk-test-1234567890"),
    breaksOff("Hel"),
    breaksOff("Hal"),
    async (reply) => {
      reply.text("Hel");
      await reply.gone;
    },
    says("fine again"),
  );
  await using server = await startServer({ config: { llm: { ...model.llm, timeouts } } });
  await using client = await connectRaw(server.url);
  for (const reason of [/401/, /broke off/, /stopped in the middle .* for 1 s/]) {
    client.send({ source: "test", content: "Hi" });
    const outbound = await client.next("OutboundEvent");
    expect(outbound).toMatchObject({ content: "", error: expect.stringMatching(reason) });
    expect(outbound.error).not.toMatch(/sk-test/);
  }
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "fine again", error: null });
  expect(client.frames.filter(({ type }) => type === "OutboundEvent")).toHaveLength(4);
});

function breaksOff(text: string): ModelScript {
  return (reply) => {
    reply.text(text);
    reply.breakOff();
  };
}

test("[RUN8] [EV5] [bug no-second-try-once-shown] an answer that breaks off begins again: readers see an empty text, then the new one (P17)", async () => {
  const goOn = Promise.withResolvers<void>();
  await using model = await startScriptedModel(breaksOff("Half an answ"), async (reply) => {
    await goOn.promise;
    reply.text("The whole one");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("DeltaEvent")).toMatchObject({ turn: 0, offset: 0, content: "Half an answ" });
  expect(await client.next("DeltaEvent")).toMatchObject({ turn: 0, offset: 0, content: "" });
  await using late = await connectRaw(server.url, "?events=all");
  expect(await late.next("DeltaEvent")).toMatchObject({ offset: 0, content: "" });
  goOn.resolve();
  expect(await client.next("DeltaEvent")).toMatchObject({ turn: 0, offset: 0, content: "The whole one" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "The whole one", error: null });
});

test("[RUN5] [EV5] [bug delta-flood] 20 000 pieces of a model are at most 60 deltas a second, and nothing of them is missing (P16)", async () => {
  const pieces = Array.from({ length: 20_000 }, (_, index) => String(index % 10));
  await using model = await startScriptedModel(says(...pieces));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Hi" });
  await client.next("RunStartedEvent");
  const startedAt = performance.now();
  const { content } = await client.next("OutboundEvent");
  const seconds = (performance.now() - startedAt) / 1000;
  const deltas = client.frames.filter(({ type }) => type === "DeltaEvent");
  expect(deltas.map((delta) => delta.content).join("")).toBe(pieces.join(""));
  expect(content).toBe(pieces.join(""));
  expect(deltas.length).toBeLessThanOrEqual(60 * (seconds + 1));
});

test("[RUN8] a provider that nobody answers at gives an error that says so", async () => {
  const llm = { provider: "openai", model: "m", api_key: "sk-test-1234567890", api_base: "http://127.0.0.1:9/v1" };
  await using server = await startServer({ config: { llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({
    content: "",
    error: expect.stringMatching(/^Cannot reach the model provider/),
  });
});

test("[RUN11] a model that calls tools for ever is stopped with an error", async () => {
  let count = 0;
  await using model = await startScriptedModel((reply) => {
    reply.toolCall(0, `call_${count++}`, "read", { path: "README.md" });
    reply.finish("tool_calls");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ error: expect.stringMatching(/20 rounds/) });
  expect(model.requests).toHaveLength(20);
});

test("[RPC4] [RUN12] abort stops a running and a queued run; the partial text is kept and the model request ends", async () => {
  const gone = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    reply.text("Partial");
    await reply.gone;
    gone.resolve();
  }, says("next"));
  await using server = await startServer({ config: { llm: model.llm } });
  const { client, close } = connectTrpcWs(server.url);
  const followed = followTrpc(client, undefined);
  const running = await client.send.mutate({ source: "test", content: "one" });
  await followed.next("DeltaEvent");
  const queued = await client.send.mutate({ source: "test", content: "two" });
  expect(await client.abort.mutate({ run_id: queued.run_id })).toEqual({ run_ids: [queued.run_id] });
  expect((await followed.next("OutboundEvent")).data).toMatchObject({ run_id: queued.run_id, content: "" });
  expect(await client.abort.mutate({ session_id: running.session_id })).toEqual({ run_ids: [running.run_id] });
  expect((await followed.next("OutboundEvent")).data).toMatchObject({
    run_id: running.run_id,
    content: "Partial",
    error: "Stopped by the user",
  });
  expect((await followed.next("RunEndedEvent")).data).toMatchObject({ status: "aborted" });
  await gone.promise;
  await client.send.mutate({ source: "test", content: "three" });
  expect((await followed.next("OutboundEvent")).data).toMatchObject({ content: "next", error: null });
  expect(await client.abort.mutate({ run_id: "unknown" })).toEqual({ run_ids: [] });
  followed.stop();
  await close();
});

test("[RUN10] without a configuration the offline model answers, labelled, and reads a file when asked", async () => {
  await using server = await startServer({ files: { "notes.md": "Buy sardines." } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Please read notes.md" });
  const { content } = await client.next("OutboundEvent");
  expect(content).toMatch(/offline model/i);
  expect(content).toMatch(/Buy sardines/);
  expect(client.frames.some(({ type }) => type === "ToolCallEvent")).toBe(true);
  expect(client.frames.filter(({ type }) => type === "DeltaEvent").length).toBeGreaterThan(3);
});

test("[RUN2] [bug contract-4.3] [bug contract-4.11] /clear and /compact are answered in their session, which goes on", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  const sessions = new Set<unknown>();
  for (const content of ["Hello", "/clear", "/compact", "Still there?"]) {
    client.send({ source: "test", content });
    const { session_id, error } = await client.next("OutboundEvent");
    expect({ content, error }).toEqual({ content, error: null });
    sessions.add(session_id);
  }
  expect(sessions.size).toBe(1);
});

test("[RUN8] [bug contract-4.9] a second try asks the model the user's own question", async () => {
  await using model = await startScriptedModel((reply) => reply.fail(500, "try again"), says("the answer"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "the question" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "the answer", error: null });
  expect(model.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(["the question", "the question"]);
  expect(client.frames.filter(({ type }) => type === "InboundEvent")).toHaveLength(1);
});
