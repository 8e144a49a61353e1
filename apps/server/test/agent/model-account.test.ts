import { DurableEvent } from "@my-bot/protocol";
import { expect, test } from "vitest";
import { callPiece, done, finish, startProvider, text } from "../llm-provider.ts";
import { connectRaw } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

test("[LLM5] [CFG12] [CFG6] the next model answers when the first fails, and the end of the run names it; an agent may have its own", async () => {
  await using broken = await startScriptedModel((reply) => reply.fail(401, "no"));
  await using spare = await startScriptedModel(says("from the spare one"));
  await using own = await startScriptedModel(says("from Cookie's own"));
  const fallbacks = [{ ...spare.llm, provider: `\${SPARE_NAME}`, model: "spare", api_key: `\${SPARE_KEY}` }];
  await using server = await startServer({
    config: {
      llm: { ...broken.llm, fallbacks },
      routing: { bindings: [{ agent: "other", value: "platform-ws:other" }] },
    },
    env: { SPARE_NAME: "spare-provider", SPARE_KEY: "sk-spare-0123456789" },
    files: {
      "agents/other/AGENT.md": `---\nname: Other\nllm: ${JSON.stringify({ fallbacks: [{ ...own.llm, model: "own" }] })}\n---\nHi.\n`,
    },
  });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "from the spare one", error: null });
  expect(await client.next("RunEndedEvent")).toMatchObject({ status: "completed", model: "spare" });
  client.send({ source: "other", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "from Cookie's own", error: null });
  expect(await client.next("RunEndedEvent")).toMatchObject({ model: "own", cost: null });
});

test("[LLM6] with prices the end of a run tells what all its turns cost, cached input at its own price", async () => {
  const usage = { prompt_tokens: 1000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 400 } };
  await using provider = await startProvider(
    {
      steps: [
        callPiece({ index: 0, id: "a", function: { name: "read", arguments: '{"path":"notes.md"}' } }),
        finish("tool_calls"),
        { chunk: { choices: [], usage } },
        done,
      ],
    },
    { steps: [text("42"), finish("stop"), { chunk: { choices: [], usage } }, done] },
  );
  const prices = { input: 2, output: 8, cached_input: 0.5, currency: "EUR" };
  await using server = await startServer({
    config: { llm: { model: "priced", api_key: "sk-test-1234567890", api_base: provider.baseUrl, prices } },
    files: { "notes.md": "42" },
  });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Hi" });
  expect(await client.next("RunEndedEvent")).toMatchObject({
    model: "priced",
    usage: { input_tokens: 2000, output_tokens: 200, cached_input_tokens: 800 },
    cost: 0.0044, // 2 × (600 × 2 + 400 × 0.5 + 100 × 8) / 1,000,000
    currency: "EUR",
  });
  client.send({ source: "test", content: "/session" });
  expect((await client.next("RunStartedEvent")).command).toBe("session");
  expect((await client.next("OutboundEvent")).content).toContain("\n- tokens: 2,000 in, 200 out\n- cost: 0.0044 EUR\n");
});

test("[LLM6] the end of a run from an older log, without model and cost, is still read", () => {
  const older = { type: "RunEndedEvent", session_id: "s", run_id: "r", status: "completed", usage: null, timestamp: 1 };
  expect(DurableEvent.parse(older)).toEqual(older);
});
