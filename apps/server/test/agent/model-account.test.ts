import { expect, test } from "vitest";
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
