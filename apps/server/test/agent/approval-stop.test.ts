import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asAgents, bossAndClerk, dispatches } from "../support/dispatching-model.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcHttp } from "../support/trpc-client.ts";

const PATIENT = { drain_seconds: 60 };
const AT_ONCE_MS = 5000; // far below that

/** Calls `bash` with each of these at once, and then tells the results. */
function commands(...lines: readonly string[]): ModelScript {
  return (reply, request) => {
    const results = request.messages.filter(({ role }) => role === "tool").map(({ content }) => content.trim());
    if (results.length > 0) return says(`told: ${results.join(", ")}`)(reply, request);
    for (const [index, command] of lines.entries()) reply.toolCall(index, `call_${index}`, "bash", { command });
    reply.finish("tool_calls");
  };
}

/** Milliseconds until it has ended in order. */
async function stop(server: ServerProcess): Promise<number> {
  const begun = performance.now();
  expect(await server.stop("SIGTERM")).toBe(0);
  return performance.now() - begun;
}

/** After a restart: allows the one request that is open, and gives what the run of `source` then answers. */
async function allow(server: ServerProcess, source: string): Promise<RawClient> {
  await server.start();
  const rpc = connectTrpcHttp(server.url);
  const [request, ...others] = await rpc.approvals.list.query();
  expect(others).toEqual([]);
  const client = await connectRaw(server.url, "?events=all&after=0");
  await rpc.approve.mutate({ approval_id: request?.approval_id ?? "", decision: "allow" });
  while ((await client.next("OutboundEvent")).source !== source);
  return client;
}

function counts({ frames }: RawClient, ...types: readonly string[]): number[] {
  return types.map((type) => frames.filter((frame) => frame.type === type).length);
}

test("[RUN13] [APR5] a server that stops waits for no approval: the request is listed again, and its call made once", async () => {
  await using model = await startScriptedModel(commands("echo ran >> effects; cat effects"));
  await using server = await startServer({ config: { llm: model.llm, api: PATIENT } });
  {
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    await client.next("ApprovalRequestedEvent");
    expect(await stop(server)).toBeLessThan(AT_ONCE_MS);
  }
  await using client = await allow(server, "agent:pickle");
  expect(client.frames.findLast(({ type }) => type === "OutboundEvent")).toMatchObject({ content: "told: ran" });
  expect(counts(client, "ToolCallEvent", "ToolResultEvent", "OutboundEvent")).toEqual([1, 1, 1]);
});

test("[RUN13] [AGT6] nor for one of a task at any depth", async () => {
  await using model = await startScriptedModel(
    asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: commands("echo sorted") }),
  );
  await using server = await startServer({
    config: { llm: model.llm, default_agent: "boss", api: PATIENT },
    files: bossAndClerk,
  });
  {
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    await client.next("ApprovalRequestedEvent");
    expect(await stop(server)).toBeLessThan(AT_ONCE_MS);
  }
  await using client = await allow(server, "agent:boss");
  expect(client.frames.findLast(({ type }) => type === "OutboundEvent")).toMatchObject({ content: "told: sorted" });
  expect(counts(client, "DispatchEvent", "DispatchResultEvent", "OutboundEvent", "RunEndedEvent")).toEqual([
    1, 1, 2, 2,
  ]);
});

test("[RUN13] [TOOL6] what runs beside the call that asks is waited for, and its result kept", async () => {
  const rules = [{ match: "sleep 1", approval: "allow" }];
  await using model = await startScriptedModel(commands("sleep 1", "echo asked"));
  await using server = await startServer({ config: { llm: model.llm, tools: { bash: { rules } }, api: PATIENT } });
  {
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    await client.next("ApprovalRequestedEvent");
    const ms = await stop(server);
    expect(ms).toBeGreaterThan(300);
    expect(ms).toBeLessThan(AT_ONCE_MS);
    expect(client.frames.filter(({ type }) => type === "ToolResultEvent")).toMatchObject([{ tool_call_id: "call_0" }]);
  }
  await using client = await allow(server, "agent:pickle");
  expect(counts(client, "ToolCallEvent", "ToolResultEvent", "OutboundEvent")).toEqual([2, 2, 1]);
  expect(readFileSync(join(server.workspaceDir, ".logs/my-bot.log"), "utf8")).not.toMatch(/"level":50/);
});

test("[RUN13] [AGT4] a task that is being answered is waited for, and so is who gave it", async () => {
  const finish = Promise.withResolvers<void>();
  const slow: ModelScript = async (reply, request) => {
    reply.text("Sort");
    await finish.promise;
    await says("ed")(reply, request);
  };
  await using model = await startScriptedModel(asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: slow }));
  await using server = await startServer({
    config: { llm: model.llm, default_agent: "boss", api: PATIENT },
    files: bossAndClerk,
  });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Go" });
  await client.next("DeltaEvent");
  setTimeout(finish.resolve, 500);
  expect(await stop(server)).toBeLessThan(AT_ONCE_MS);
  expect(client.frames.findLast(({ type }) => type === "OutboundEvent")).toMatchObject({ content: "Sorted" });
  expect(counts(client, "DispatchResultEvent", "RunEndedEvent")).toEqual([1, 2]);
});
