import { expect, test } from "vitest";
import { AgentRuns } from "../../src/agent/agent-runs.ts";
import { asAgents, bossAndClerk, dispatches, obeys } from "../support/dispatching-model.ts";
import { inbound } from "../support/events.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

const COUNTED = [
  ...["InboundEvent", "DispatchEvent", "DispatchResultEvent", "OutboundEvent", "RunEndedEvent"],
  ...["ToolCallEvent", "ToolResultEvent"],
];

/** The instants at which the server is killed: when a subscriber has just seen the n-th of these. */
const INSTANTS = [
  ["ToolCallEvent", 1],
  ["DispatchEvent", 1],
  ["InboundEvent", 2],
  ["RunStartedEvent", 2],
  ["DeltaEvent", 1],
  ["OutboundEvent", 1],
  ["DispatchResultEvent", 1],
  ["ToolResultEvent", 1],
] as const;

test.each(INSTANTS)(
  "[AGT6] [RUN4] killed at %s %i: the task is given once, its result used once, and the parent goes on",
  async (type, count) => {
    await using model = await startScriptedModel(
      asAgents({ Boss: dispatches("clerk", "Sort"), Clerk: obeys, Pickle: obeys }),
    );
    await using server = await startServer({
      config: { llm: model.llm, default_agent: "boss" },
      files: bossAndClerk,
    });
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Go" });
    for (let i = 0; i < count; i++) await client.next(type);
    await server.stop("SIGKILL");
    await server.start();
    const { client: rpc, close } = connectTrpcWs(server.url);
    const log = followTrpc(rpc, { lastEventId: "0" });
    let outbound = (await log.next("OutboundEvent")).data;
    while (!("source" in outbound) || outbound.source !== "agent:boss") {
      outbound = (await log.next("OutboundEvent")).data;
    }
    expect(outbound).toMatchObject({ content: "done: Sort", error: null });
    await log.next("RunEndedEvent");
    const counts = COUNTED.map((each) => log.all.filter(({ data }) => data.type === each).length);
    expect(counts).toEqual([2, 1, 1, 2, 2, 1, 1]);
    await close();
  },
);

test("[AGT4] a task for which nobody waits any more is stopped before it begins", async () => {
  const steps: string[] = [];
  const runs = new AgentRuns({
    answer: async ({ inbound: { run_id } }, signal) => {
      steps.push(`answer ${run_id}`);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    cancel: async ({ inbound: { run_id } }) => void steps.push(`cancel ${run_id}`),
    concurrency: () => 1,
    isImmediate: () => false,
  });
  const from = (run_id: string) => ({ session_id: "s1", run_id, turn: 0, tool_call_id: "call_a" });
  const child = (run_id: string, parent: string) =>
    inbound({ run_id, session_id: run_id, agent_id: "clerk", dispatched_by: from(parent) });
  runs.add(child("orphan", "gone"), "agent:pickle"); // its parent was answered before the server was killed
  runs.add(inbound({ run_id: "parent" }), "platform-ws:test");
  runs.add(child("child", "parent"), "agent:pickle");
  await expect.poll(() => runs.isRunning("child")).toBe(true);
  const stopping = runs.abort({ run_id: "parent" });
  runs.add(child("late", "parent"), "agent:pickle"); // was dispatched in the moment of the stop
  expect((await stopping).sort()).toEqual(["child", "parent"]);
  expect(steps).toEqual(["cancel orphan", "answer parent", "answer child", "cancel late"]);
});
