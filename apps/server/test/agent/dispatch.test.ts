import { describe, expect, test } from "vitest";
import { asAgents, bossAndClerk, dispatches, obeys } from "../support/dispatching-model.ts";
import { connectRaw, type Frame, type RawClient } from "../support/raw-client.ts";
import { type ModelScript, type ScriptedModel, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

function start(model: ScriptedModel, config: object = {}, files: Record<string, string> = {}): Promise<ServerProcess> {
  return startServer({
    config: { llm: model.llm, default_agent: "boss", ...config },
    files: { ...bossAndClerk, ...files },
  });
}

function ofType(client: RawClient, type: string): readonly Frame[] {
  return client.frames.filter((frame) => frame.type === type);
}

/** Without an end of its own; `begun` tells how many there are. */
function hangs(begun: () => void): ModelScript {
  return async (reply) => {
    reply.text("I am at it");
    begun();
    await reply.gone;
  };
}

describe("a task for another agent", () => {
  test("[AGT1] is done in a session of its own, and its answer is the tool's result", async () => {
    await using model = await startScriptedModel(
      (reply) => {
        const task = { agent_id: "clerk", task: "Count the cats", context: "There are two." };
        reply.toolCall(0, "call_a", "subagent_dispatch", task);
        reply.finish("tool_calls");
      },
      says("Two."),
      says("The clerk says two."),
    );
    await using server = await start(model);
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "How many cats?" });
    const { session_id: parent } = await client.next("InboundEvent");
    const { session_id: child } = await client.next("DispatchEvent");
    expect(await client.next("RunEndedEvent")).toMatchObject({ session_id: child, status: "completed" });
    expect(await client.next("OutboundEvent")).toMatchObject({ session_id: parent, content: "The clerk says two." });
    expect(ofType(client, "ToolResultEvent")).toMatchObject([{ content: "Two.", is_error: false }]);
    const [, asked, told] = model.requests;
    expect(asked?.messages).toEqual([
      { role: "system", content: expect.stringMatching(/^You are Clerk/) },
      { role: "user", content: "Count the cats\n\n## Context\n\nThere are two." },
    ]);
    expect(told?.messages.at(-1)).toMatchObject({ role: "tool", tool_call_id: "call_a", content: "Two." });
    const { client: rpc, close } = connectTrpcWs(server.url);
    const { sessions } = await rpc.sessions.list.query();
    expect(sessions.find(({ session_id }) => session_id === child)).toMatchObject({
      parent_session_id: parent,
      source: "agent:boss",
      agent_id: "clerk",
      title: "Count the cats\n\n## Context\n\nThere are two.".slice(0, 50),
    });
    expect(sessions.find(({ session_id }) => session_id === parent)).toMatchObject({ parent_session_id: null });
    await close();
  });

  test("[AGT1] which fails, runs out of time or is for nobody is told to the agent that gave it", async () => {
    await using model = await startScriptedModel(
      asAgents({
        Boss: dispatches("clerk", "fail"),
        Clerk: (reply) => reply.fail(400, "no such model"),
        Hasty: dispatches("slow", "wait"),
        Slow: async (reply) => void (await reply.gone),
        Lost: dispatches("nobody", "hello"),
      }),
    );
    const files = Object.fromEntries(
      ["Hasty", "Slow", "Lost"].map((name) => [
        `agents/${name.toLowerCase()}/AGENT.md`,
        `---\nname: ${name}\n---\nYou are ${name}.\n`,
      ]),
    );
    await using server = await start(model, { tools: { subagent_dispatch: { timeout_seconds: 0.3 } } }, files);
    await using client = await connectRaw(server.url, "?events=all");
    const answer = async (agent_id: string): Promise<unknown> => {
      client.send({ source: agent_id, content: "Go", agent_id });
      const { run_id } = await client.next("InboundEvent");
      let outbound = await client.next("OutboundEvent");
      while (outbound.run_id !== run_id) outbound = await client.next("OutboundEvent");
      return outbound.content;
    };
    expect(await answer("boss")).toMatch(/^The agent "clerk" did not answer: .*no such model/);
    expect(await answer("hasty")).toBe('"subagent_dispatch" did not finish within 0.3 s and was stopped');
    expect(ofType(client, "DispatchResultEvent").at(-1)).toMatchObject({ error: "Stopped by the user", content: "" });
    expect(await answer("lost")).toMatch(/^Invalid arguments for "subagent_dispatch": agent_id: /);
  });

  test("[AGT1] can only be given where there are several agents, and not where the configuration denies it", async () => {
    await using model = await startScriptedModel(says("Alone."));
    for (const config of [{ agents_path: "alone" }, { tools: { subagent_dispatch: { approval: "deny" } } }]) {
      await using server = await start(model, config, { "alone/boss/AGENT.md": bossAndClerk["agents/boss/AGENT.md"] });
      await using client = await connectRaw(server.url);
      client.send({ source: "test", content: "Hi" });
      await client.next("OutboundEvent");
      expect(model.requests.at(-1)?.tools?.map((tool) => tool.function.name)).not.toContain("subagent_dispatch");
    }
  });
});

test("[WSP1] [AGT1] each agent asks its own model, with its own settings", async () => {
  await using model = await startScriptedModel(asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: obeys }));
  const clerk = "---\nname: Clerk\nllm: { model: small, temperature: 0, max_tokens: 99 }\n---\nYou are Clerk.\n";
  await using server = await start(model, {}, { "agents/clerk/AGENT.md": clerk });
  await using client = await connectRaw(server.url, "?source=test");
  client.send({ source: "test", content: "Go" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "done: Sort" });
  expect(model.requests.map((request) => [request.model, request.temperature, request.max_tokens])).toEqual([
    ["scripted", 0.7, 2048],
    ["small", 0, 99],
    ["scripted", 0.7, 2048],
  ]);
});

describe("events", () => {
  test("[AGT2] [WS1] plain connections get a dispatch and its result with the inherited keys in their order", async () => {
    await using model = await startScriptedModel(asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: obeys }));
    await using server = await start(model);
    await using client = await connectRaw(server.url);
    client.send({ source: "test", content: "Go" });
    const { session_id: parent } = await client.next("InboundEvent");
    const dispatch = await client.next("DispatchEvent");
    expect(Object.keys(dispatch)).toEqual([
      ...["type", "session_id", "source", "content", "timestamp", "parent_session_id", "retry_count"],
    ]);
    expect(dispatch).toMatchObject({
      source: "agent:boss",
      content: "Sort",
      parent_session_id: parent,
      retry_count: 0,
    });
    const result = await client.next("DispatchResultEvent");
    expect(Object.keys(result)).toEqual(["type", "session_id", "source", "content", "timestamp", "error"]);
    expect(result).toMatchObject({
      session_id: dispatch.session_id,
      source: "agent:clerk",
      content: "done: Sort",
      error: null,
    });
    expect(await client.next("OutboundEvent")).toMatchObject({ session_id: parent, content: "done: Sort" });
  });

  test("[AGT2] [SES4] a dispatch belongs to its parent's session: live, in history, by source, and it goes with it", async () => {
    await using model = await startScriptedModel(asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: obeys }));
    await using server = await start(model);
    await using live = await connectRaw(server.url, "?events=all&source=test");
    live.send({ source: "test", content: "Go" });
    const { session_id: parent } = await live.next("InboundEvent");
    await live.next("RunEndedEvent");
    const types = live.frames.map(({ type }) => type).filter((type) => type !== "DeltaEvent" && type !== "SyncedEvent");
    expect(types).toEqual([
      ...["SessionEvent", "InboundEvent", "RunStartedEvent", "ToolCallEvent", "DispatchEvent"],
      ...["DispatchResultEvent", "ToolResultEvent", "OutboundEvent", "RunEndedEvent"],
    ]);
    await using replayed = await connectRaw(server.url, `?events=all&after=0&session=${parent}`);
    await replayed.next("SyncedEvent");
    expect(replayed.frames.slice(0, -1).map(({ type }) => type)).toEqual(types);
    const { client: rpc, close } = connectTrpcWs(server.url);
    const { records } = await rpc.sessions.history.query({ session_id: String(parent) });
    expect(records.map(({ event }) => event.type)).toEqual(types);
    await rpc.sessions.delete.mutate({ session_id: String(parent) });
    await using rest = await connectRaw(server.url, "?events=all&after=0");
    await rest.next("SyncedEvent");
    expect(rest.frames.slice(0, -1)).toMatchObject([
      { type: "SessionEvent", action: "deleted", session_id: parent },
      { type: "SessionEvent", action: "deleted", source: "agent:boss" }, // the task told what was asked and answered
    ]);
    expect(await rpc.sessions.list.query()).toEqual({ sessions: [], next: null });
    await close();
  });
});

describe("limits", () => {
  test("[AGT3] agents that dispatch to each other, or to themselves, end at the limit", async () => {
    const again: ModelScript = (reply, request) => {
      const isTold = request.messages.at(-1)?.role === "tool";
      if (isTold) return obeys(reply, request);
      return dispatches("boss", "again")(reply, request);
    };
    await using model = await startScriptedModel(again);
    await using server = await start(model, { tools: { subagent_dispatch: { max_depth: 2 } } });
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    const { run_id } = await client.next("InboundEvent");
    let outbound = await client.next("OutboundEvent");
    while (outbound.run_id !== run_id) outbound = await client.next("OutboundEvent");
    const refusal = "This task was dispatched 2 agents deep, which is the limit: do it yourself.";
    expect(outbound.content).toBe(`done: done: done: ${refusal}`);
    expect(ofType(client, "DispatchEvent")).toHaveLength(2);
    expect(ofType(client, "ToolResultEvent").map(({ is_error }) => is_error)).toEqual([true, false, false]);
  });

  test("[AGT5] [RUN1] an agent with one run at a time can ask itself: who waits holds no place, and no more work at once", async () => {
    let working = 0;
    let most = 0;
    const script: ModelScript = async (reply, request) => {
      working += 1;
      most = Math.max(most, working);
      await new Promise((resolve) => setTimeout(resolve, 20)); // what a model takes
      working -= 1;
      const isParent = request.messages.some(({ role, content }) => role === "user" && content === "Go");
      await (isParent ? dispatches("boss", "a", "b", "c") : obeys)(reply, request);
    };
    await using model = await startScriptedModel(script);
    const files = { "agents/boss/AGENT.md": "---\nname: Boss\nmax_concurrency: 1\n---\nYou are Boss.\n" };
    await using server = await start(model, {}, files);
    await using client = await connectRaw(server.url, "?source=test");
    await using other = await connectRaw(server.url, "?source=other");
    client.send({ source: "test", content: "Go" });
    other.send({ source: "other", content: "Go" });
    for (const each of [client, other]) {
      expect(await each.next("OutboundEvent")).toMatchObject({ content: "done: a + done: b + done: c", error: null });
    }
    expect(most).toBe(1);
  });
});

describe("a stop", () => {
  test("[AGT4] of a parent stops all below it within 1 s: who works, who waits for a place, and theirs", async () => {
    const begun = Promise.withResolvers<void>();
    await using model = await startScriptedModel(
      asAgents({ Boss: dispatches("clerk", "a", "b"), Clerk: dispatches("temp", "deep"), Temp: hangs(begun.resolve) }),
    );
    const files = {
      "agents/clerk/AGENT.md": "---\nname: Clerk\n---\nYou are Clerk.\n",
      "agents/temp/AGENT.md": "---\nname: Temp\nmax_concurrency: 1\n---\nYou are Temp.\n",
    };
    await using server = await start(model, {}, files);
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    const { run_id } = await client.next("InboundEvent");
    for (let i = 0; i < 4; i++) await client.next("DispatchEvent");
    await begun.promise;
    const { client: rpc, close } = connectTrpcWs(server.url);
    const startedAt = performance.now();
    const { run_ids } = await rpc.abort.mutate({ run_id: String(run_id) });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    const inbound = ofType(client, "InboundEvent").map((frame) => frame.run_id);
    expect([...run_ids].sort()).toEqual([...inbound].sort());
    expect(run_ids).toHaveLength(5);
    for (let i = 0; i < 5; i++) {
      expect(await client.next("OutboundEvent")).toMatchObject({ error: "Stopped by the user" });
    }
    await using log = await connectRaw(server.url, "?events=all&after=0");
    await log.next("SyncedEvent");
    expect(ofType(log, "DispatchResultEvent")).toHaveLength(4);
    const { sessions } = await rpc.sessions.list.query();
    expect(sessions.map(({ open_runs }) => open_runs)).toEqual([0, 0, 0, 0, 0]);
    await close();
  });

  test("[AGT4] of a child alone is told to its parent, which goes on", async () => {
    const begun = Promise.withResolvers<void>();
    await using model = await startScriptedModel(
      asAgents({ Boss: dispatches("clerk", "a"), Clerk: hangs(begun.resolve) }),
    );
    await using server = await start(model);
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    const { session_id } = await client.next("DispatchEvent");
    await begun.promise;
    const { client: rpc, close } = connectTrpcWs(server.url);
    await rpc.sessions.delete.mutate({ session_id: String(session_id) });
    let outbound = await client.next("OutboundEvent");
    if (outbound.session_id === session_id) outbound = await client.next("OutboundEvent");
    expect(outbound).toMatchObject({ content: 'The agent "clerk" did not answer: Stopped by the user', error: null });
    await close();
  });
});
