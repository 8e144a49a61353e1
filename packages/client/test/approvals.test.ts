import { expect, test } from "vitest";
import { asAgents, bossAndClerk, dispatches } from "../../../apps/server/test/support/dispatching-model.ts";
import {
  callsTool,
  type ModelScript,
  says,
  startScriptedModel,
} from "../../../apps/server/test/support/scripted-model.ts";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { type ApprovalRequestedEvent, createMyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

test("[CLT11] a request is told once, also across a lost line, and answered by approve; its end is told", async () => {
  const bash = callsTool("bash", { command: "echo hi" });
  await using model = await startScriptedModel(bash, says("Done."), bash, says("Not done."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using proxy = await startCuttingProxy(server.url);
  await using client = createMyBotClient({ url: proxy.url });
  await using other = createMyBotClient({ url: server.url });
  const told: { request: ApprovalRequestedEvent; settled: AbortSignal }[] = [];
  const asked = Promise.withResolvers<void>();
  const answering = client.ask(
    { source: "test", content: "Do it" },
    {
      onApproval: (request, settled) => {
        told.push({ request, settled });
        asked.resolve();
      },
    },
  );
  await asked.promise;
  proxy.cut();
  const [open] = await client.approvals.list();
  expect(told).toEqual([{ request: open, settled: expect.objectContaining({ aborted: false }) }]);
  const approval_id = open?.approval_id ?? "";
  expect(await other.approve({ approval_id, decision: "allow", source: "other" })).toEqual({
    ...{ approval_id, decision: "allow", scope: "once", reason: "answered", by: "platform-ws:other" },
    duplicate: false,
  });
  expect((await answering).content).toBe("Done.");
  expect(told).toMatchObject([{ settled: { aborted: true } }]);
  expect(await client.approve({ approval_id, decision: "allow" })).toMatchObject({ duplicate: true });
  await expect(client.approve({ approval_id, decision: "deny" })).rejects.toMatchObject({ code: "CONFLICT" });

  const denied = await client.ask(
    { source: "test", content: "Once more" },
    { onApproval: (request) => void client.approve({ approval_id: request.approval_id, decision: "deny" }) },
  );
  expect(denied.content).toBe("Not done.");
});

test("[AGT7] [CLT11] what a task below the run asks for is told to whoever asked, however deep it was given on", async () => {
  const bash = callsTool("bash", { command: "echo hi" });
  const deep: ModelScript = (reply, request) => {
    const isTold = request.messages.at(-1)?.role === "tool";
    return isTold ? says("Done.")(reply, request) : bash(reply, request);
  };
  await using model = await startScriptedModel(
    asAgents({ Boss: dispatches("clerk", "a"), Clerk: dispatches("pickle", "b"), Pickle: deep }),
  );
  await using server = await startServer({ config: { llm: model.llm, default_agent: "boss" }, files: bossAndClerk });
  await using client = createMyBotClient({ url: server.url });
  const told: string[] = [];
  const settled: AbortSignal[] = [];
  const answer = await client.ask(
    { source: "test", content: "Go" },
    {
      onApproval: (request, signal) => {
        told.push(request.name);
        settled.push(signal);
        void client.approve({ approval_id: request.approval_id, decision: "allow" });
      },
    },
  );
  expect(answer.content).toBe("Done.");
  expect(told).toEqual(["bash"]);
  expect(settled.map(({ aborted }) => aborted)).toEqual([true]);
});
