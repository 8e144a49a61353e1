import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

const hangs: ModelScript = async (reply) => {
  reply.text("Once upon");
  await reply.gone;
};

test("[CMD4] /stop takes effect while a run goes on, with all places of the agent and of the queue taken", async () => {
  await using model = await startScriptedModel(hangs, says("again"));
  const config = { llm: model.llm, api: { limits: { queued_messages: 3 } } };
  const files = { "agents/pickle/AGENT.md": "---\nname: Pickle\nmax_concurrency: 1\n---\nYou are Pickle." };
  await using server = await startServer({ config, files });
  await using client = await connectRaw(server.url, "?events=all");
  for (const content of ["story", "two", "three"]) client.send({ source: "test", content });
  await client.next("DeltaEvent");
  client.send({ source: "test", content: "/stop" });
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await client.next("OutboundEvent"));
  const stopped = { error: "Stopped by the user" };
  expect(answers.slice(0, 3).toSorted((a, b) => `${b.content}`.localeCompare(`${a.content}`))).toMatchObject([
    { ...stopped, content: "Once upon" },
    { ...stopped, content: "" },
    { ...stopped, content: "" },
  ]);
  expect(answers[3]).toMatchObject({ content: "Stopped; 2 messages that waited were taken back.", error: null });
  client.send({ source: "test", content: "/stop" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Nothing is running." });
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "again" });
  expect(model.requests[1]?.messages.slice(1).map(({ content }) => content)).toEqual(["story", "Once upon", "Hi"]);
});

test("[CMD4] /stop stops nothing of another session, and nothing that was sent after it", async () => {
  const go = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    await Promise.race([go.promise, reply.gone]);
    reply.text("done");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  client.send({ source: "other", content: "long" });
  client.send({ source: "test", content: "one" });
  await expect.poll(() => model.requests.length).toBe(2);
  for (const content of ["/stop", "two"]) client.send({ source: "test", content });
  expect(await client.next("OutboundEvent")).toMatchObject({ error: "Stopped by the user" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Stopped.", error: null });
  go.resolve();
  for (let i = 0; i < 2; i++)
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "done", error: null });
});

test("[CMD4] [RUN3] a /stop that a crash cut short is carried out at the next start", async () => {
  await using model = await startScriptedModel(hangs);
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "story" });
  await client.next("DeltaEvent");
  client.send({ source: "test", content: "/stop" });
  await client.next("InboundEvent"); // durable, and no more than that is sure
  await server.stop("SIGKILL");
  await server.start();
  await using again = await connectRaw(server.url, "?events=all&after=0");
  const ends = [await again.next("RunEndedEvent"), await again.next("RunEndedEvent")];
  expect(ends.map(({ status }) => status).sort()).toEqual(["aborted", "completed"]);
});
