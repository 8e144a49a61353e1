import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

const ROUNDS = 4;
const WINDOW_MS = 30; // in which a kill meets an answer

/** Each message gets one call that leaves a line with the message's text; after its result comes the answer. */
const oneCall: ModelScript = (reply, { messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "user") return says(`told: ${last?.content}`)(reply, { messages, stream: true });
  reply.toolCall(0, "call_a", "bash", { command: `echo ${last.content} >> effects; cat effects` });
  reply.finish("tool_calls");
};

async function restart(server: ServerProcess): Promise<RawClient> {
  await server.stop("SIGKILL");
  await server.start();
  return await connectRaw(server.url, "?events=all&after=0");
}

function count(client: RawClient, type: string, runId: unknown): number {
  return client.frames.filter((frame) => frame.type === type && frame.run_id === runId).length;
}

test("[APR5] [APR10] a request outlives kill -9 at any moment: it is listed again, and waits for the rest of its time", async () => {
  await using model = await startScriptedModel(oneCall);
  await using server = await startServer({ config: { llm: model.llm } });
  for (let round = 0; round < ROUNDS; round++) {
    await using before = await connectRaw(server.url, "?events=all");
    before.send({ source: "test", content: `r${round}` });
    const asked = await before.next("ApprovalRequestedEvent");
    await delay(Math.random() * WINDOW_MS);
    await using after = await restart(server);
    const { client, close } = connectTrpcWs(server.url);
    const { cursor: _, ...request } = asked;
    expect(await client.approvals.list.query()).toEqual([request]);
    const session_id = String(asked.session_id);
    expect((await client.sessions.get.query({ session_id })).approvals).toEqual([request]);
    await client.approve.mutate({ approval_id: String(asked.approval_id), decision: "allow" });
    for (;;) if ((await after.next("OutboundEvent")).run_id === asked.run_id) break;
    expect(await client.approvals.list.query()).toEqual([]);
    for (const type of ["ToolCallEvent", "ApprovalRequestedEvent", "ApprovalResolvedEvent", "ToolResultEvent"]) {
      expect([type, count(after, type, asked.run_id)]).toEqual([type, 1]);
    }
    const result = after.frames.find(({ type, run_id }) => type === "ToolResultEvent" && run_id === asked.run_id);
    expect(result?.content).toBe(Array.from({ length: round + 1 }, (_, i) => `r${i}\n`).join(""));
    await close();
  }
}, 120_000);

test("[APR5] [TOOL6] kill -9 around the answer: the call is made at most once, and its result is told or unknown", async () => {
  await using model = await startScriptedModel(oneCall);
  await using server = await startServer({ config: { llm: model.llm } });
  for (let round = 0; round < ROUNDS; round++) {
    await using before = await connectRaw(server.url, "?events=all");
    before.send({ source: "test", content: `r${round}` });
    const { approval_id, run_id } = await before.next("ApprovalRequestedEvent");
    before.send({ type: "approve", approval_id, decision: "allow" });
    await delay(Math.random() * WINDOW_MS);
    await using after = await restart(server);
    const { client, close } = connectTrpcWs(server.url);
    await client.approve.mutate({ approval_id: String(approval_id), decision: "allow" }); // the same once more
    for (;;) if ((await after.next("OutboundEvent")).run_id === run_id) break;
    expect(count(after, "ApprovalResolvedEvent", run_id)).toBe(1);
    const results = after.frames.filter((frame) => frame.type === "ToolResultEvent" && frame.run_id === run_id);
    expect(results).toHaveLength(1);
    const lines = String(results[0]?.content).split("\n");
    const isUnknown = lines[0]?.includes("its outcome is unknown") ?? false;
    expect(isUnknown || lines.filter((line) => line === `r${round}`).length === 1).toBe(true);
    await close();
  }
  await using last = await connectRaw(server.url, "?events=all");
  last.send({ source: "test", content: "end" });
  last.send({
    type: "approve",
    approval_id: (await last.next("ApprovalRequestedEvent")).approval_id,
    decision: "allow",
  });
  const effects = String((await last.next("ToolResultEvent")).content)
    .trim()
    .split("\n");
  expect(new Set(effects).size).toBe(effects.length); // never twice, told or not
}, 120_000);

test("[APR4] [APR5] what expires while the server is down is denied after its start", async () => {
  await using model = await startScriptedModel(oneCall);
  await using server = await startServer({ config: { llm: model.llm, approvals: { timeout_seconds: 1 } } });
  await using before = await connectRaw(server.url, "?events=all");
  before.send({ source: "test", content: "late" });
  const { expires_at } = await before.next("ApprovalRequestedEvent");
  await server.stop("SIGKILL");
  await delay(Math.max(0, Number(expires_at) * 1000 - Date.now()));
  await server.start();
  await using after = await connectRaw(server.url, "?events=all&after=0");
  expect((await after.next("OutboundEvent")).content).toMatch(/^told: Not done: nobody allowed this call in time/);
  expect(after.frames.filter(({ type }) => type === "ApprovalResolvedEvent")).toMatchObject([{ reason: "expired" }]);
});
