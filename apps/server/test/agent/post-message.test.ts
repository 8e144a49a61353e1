import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { type ModelScript, type ScriptedModel, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

function posts(content: string, source?: string): ModelScript {
  return (reply) => {
    reply.toolCall(0, "call_a", "post_message", { content, ...(source !== undefined && { source }) });
    reply.finish("tool_calls");
  };
}

function start(model: ScriptedModel): Promise<ServerProcess> {
  return startServer({ config: { llm: model.llm, tools: { post_message: { approval: "allow" } } } });
}

const INHERITED = ["type", "session_id", "source", "content", "timestamp", "error"];

test("[CRON5] an agent says something to a source that has not asked; plain connections get it as an answer", async () => {
  await using model = await startScriptedModel(posts("Dinner!", "kitchen"), says("Told."), says("You said dinner."));
  await using server = await start(model);
  await using kitchen = await connectRaw(server.url, "?source=kitchen");
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Call them" });
  const said = await kitchen.next("OutboundEvent");
  expect(Object.keys(said)).toEqual(INHERITED);
  expect(said).toMatchObject({ source: "agent:pickle", content: "Dinner!", error: null });
  expect(await client.next("PostedEvent")).toMatchObject({ session_id: said.session_id, content: "Dinner!" });
  expect(await client.next("ToolResultEvent")).toMatchObject({ content: "Posted to platform-ws:kitchen.", turn: 0 });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Told." });

  kitchen.send({ source: "kitchen", content: "What was that?" });
  expect(await kitchen.next("OutboundEvent")).toMatchObject({
    session_id: said.session_id,
    content: "You said dinner.",
  });
  expect(model.requests.at(-1)?.messages.slice(1)).toEqual([
    { role: "user", content: "[Before this message you said, unasked:\n\nDinner!]\n\nWhat was that?" },
  ]);
  const { client: rpc, close } = connectTrpcWs(server.url);
  const session = await rpc.sessions.get.query({ session_id: String(said.session_id) });
  expect(session).toMatchObject({ source: "platform-ws:kitchen", agent_id: "pickle", message_count: 3, open_runs: 0 });
  await close();
});

test("[CRON5] without a source it is said where the agent is; every message still has its one answer", async () => {
  await using model = await startScriptedModel(posts("Looking…"), says("Found."), says("Again."));
  await using server = await start(model);
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Look" });
  const { session_id, run_id } = await client.next("InboundEvent");
  expect(await client.next("PostedEvent")).toMatchObject({ session_id, run_id, content: "Looking…" });
  expect(await client.next("OutboundEvent")).toMatchObject({ run_id, content: "Found." });
  client.send({ source: "test", content: "Again" });
  await client.next("OutboundEvent");
  const told = JSON.stringify(model.requests.at(-1)?.messages);
  expect(told.match(/Looking…/g)).toHaveLength(1); // as the arguments of its call
});

test("[CRON5] nobody is reached at a source that is none", async () => {
  const none = ["agent:cookie", "mail:someone", "platform-ws:"] as const;
  await using model = await startScriptedModel(
    posts("Hi", none[0]),
    posts("Hi", none[1]),
    posts("Hi", none[2]),
    says("No."),
  );
  await using server = await start(model);
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Go" });
  for (const source of none) {
    expect(await client.next("ToolResultEvent")).toMatchObject({
      is_error: true,
      content: `Nobody can be reached at "${source}"; a source is platform-ws: and a name`,
    });
  }
});

test("[CRON5] [TOOL6] kill -9 behind it: it is not said again, and the run goes on", async () => {
  await using model = await startScriptedModel(posts("Once", "kitchen"), says("Told."));
  await using server = await start(model);
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Go" });
  await client.next("PostedEvent");
  await server.stop("SIGKILL");
  await server.start();
  await using later = await connectRaw(server.url, "?events=all&after=0");
  expect(await later.next("OutboundEvent")).toMatchObject({ content: "Told.", error: null });
  const count = (type: string) => later.frames.filter((frame) => frame.type === type).length;
  expect([count("PostedEvent"), count("ToolCallEvent"), count("ToolResultEvent")]).toEqual([1, 1, 1]);
});

test("[CRON5] [APR8] to another source it asks, unless a rule allows it; to its own it does not", async () => {
  await using model = await startScriptedModel(
    posts("Mine"),
    says("1"),
    posts("Theirs", "platform-ws:friend"),
    says("2"),
    posts("No", "stranger"),
  );
  const rules = [{ match: "platform-ws:friend", approval: "allow" }];
  await using server = await startServer({ config: { llm: model.llm, tools: { post_message: { rules } } } });
  await using client = await connectRaw(server.url, "?events=all");
  for (const content of ["Mine", "Theirs"]) {
    client.send({ source: "test", content: "Go" });
    expect(await client.next("PostedEvent")).toMatchObject({ content });
    await client.next("OutboundEvent");
  }
  client.send({ source: "test", content: "Go" });
  expect(await client.next("ApprovalRequestedEvent")).toMatchObject({ name: "post_message" });
  expect(client.frames.filter(({ type }) => type === "PostedEvent")).toHaveLength(2);
});
