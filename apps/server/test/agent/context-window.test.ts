import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { contextLimits } from "../../src/agent/context/context-limits.ts";
import { LlmConfig } from "../../src/workspace/config.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startServer } from "../support/server-process.ts";
import { asksForSummary, startStrictModel, textOf } from "../support/strict-model.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const count = (text: string): number => Math.ceil(text.length / 4);

test("[CMP3] /context is within 10 % of what the provider counts, for prose, code and other scripts", async () => {
  let reported = 0;
  await using model = await startStrictModel({
    window: 200_000,
    count: countTokens,
    answer: (reply, { messages }, tokens) => {
      reported = tokens;
      const path = /read (\S+)/.exec(messages.at(-1)?.content ?? "")?.[1];
      if (path) reply.toolCall(0, "call_1", "read", { path });
      else reply.text("Ja.");
      reply.finish(path ? "tool_calls" : "stop", tokens);
    },
  });
  const files = {
    "prose.md": readFileSync(join(ROOT, "docs/architecture.md"), "utf8"),
    "code.ts": readFileSync(join(ROOT, "apps/server/src/agent/agent-loop.ts"), "utf8"),
    "cats.md": "猫は一日中ログを読んでいる。Кошка читает журнал. ".repeat(60),
  };
  await using server = await startServer({ config: { llm: model.llm }, files });
  await using client = await connectRaw(server.url);
  const used = async (): Promise<{ tokens: number; text: string }> => {
    client.send({ source: "test", content: "/context" });
    const text = `${(await client.next("OutboundEvent")).content}`;
    return { tokens: Number(/used: ([\d,]+) of/.exec(text)?.[1]?.replaceAll(",", "")), text };
  };
  expect((await used()).text).toMatch(/, estimated\n/);
  for (const path of Object.keys(files)) {
    client.send({ source: "test", content: `read ${path}` });
    await client.next("OutboundEvent");
    const { tokens, text } = await used();
    expect(Math.abs(tokens - reported) / reported).toBeLessThan(0.1);
    expect(text).toMatch(
      /^\*\*Context\*\*\n\n- model: `scripted`\n- used: [\d,]+ of 200,000 tokens \(\d+ %\), by the provider's own figures\n- compacted above: 160,000 tokens\n- instructions: [\d,]+ tokens\n- \d+ tools: [\d,]+ tokens\n- \d+ messages: [\d,]+ tokens$/,
    );
  }
});

test("[CMP3] the context window is the configured one, else that of the model's name, else a small one", () => {
  const window = (fields: object, chosen?: string) => contextLimits(LlmConfig.parse(fields), 0.8, chosen).window;
  expect(window({ model: "gpt-4o-mini" })).toBe(128_000);
  expect(window({ model: "anthropic/claude-x" })).toBe(200_000);
  expect(window({ model: "nobody-knows" })).toBe(32_768);
  expect(window({ model: "gpt-4o-mini", context_window: 5000 })).toBe(5000);
  expect(window({ model: "gpt-4o-mini", context_window: 5000 }, "gpt-4.1")).toBe(1_047_576);
  const small = LlmConfig.parse({ context_window: 4000, max_tokens: 1000 });
  expect(contextLimits(small, 0.5).compactAt).toBe(2000);
  expect(contextLimits(small, 0.9).compactAt).toBe(3000); // the answer counts too
  expect(contextLimits(small, 1500).compactAt).toBe(1500);
});

test("[CMP5] a run that grows over the threshold by itself is cut between its turns, and keeps its question", async () => {
  await using model = await startStrictModel({
    window: 8000,
    count,
    answer: (reply, request, tokens) => {
      const isSummary = asksForSummary(request);
      const turn = model.requests.filter((each) => !asksForSummary(each)).length;
      if (isSummary) reply.text("It is about cats.");
      else if (turn < 18) reply.toolCall(0, "call_same", "read", { path: "cats.md" });
      else reply.text("done");
      reply.finish(isSummary || turn >= 18 ? "stop" : "tool_calls", tokens);
    },
  });
  const files = { "cats.md": "A cat reads the log. ".repeat(180) };
  await using server = await startServer({ config: { llm: model.llm }, files });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Read it often." });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "done", error: null });
  expect(client.frames.filter(({ action }) => action === "compacted").length).toBeGreaterThan(0);
  for (const request of model.requests.filter((each) => !asksForSummary(each))) {
    expect(request.messages.map(({ content }) => content)).toContain("Read it often.");
  }
  expect(model.faults).toEqual([]);
});

test("[CMP6] a server that is killed between the summary and the answer does not ask for the summary again", async () => {
  let isKilled = false;
  await using model = await startStrictModel({
    window: 8000,
    count,
    answer: async (reply, request, tokens) => {
      const isSummary = asksForSummary(request);
      if (!isSummary && !isKilled && textOf(request).includes("Cats were told of.")) {
        isKilled = true;
        await server.stop("SIGKILL");
      }
      reply.text(isSummary ? "Cats were told of." : "ok");
      reply.finish("stop", tokens);
    },
  });
  await using server = await startServer({ config: { llm: model.llm, compaction: { threshold: 2500 } } });
  await using client = await connectRaw(server.url);
  for (let i = 0; i < 4; i++) client.send({ source: "test", content: `${i}: ${"A cat reads the log. ".repeat(150)}` });
  await client.closed;
  await server.start();
  await using again = await connectRaw(server.url, "?events=all&after=0");
  for (let i = 0; i < 4; i++) expect(await again.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
  const compacted = again.frames.filter(({ action }) => action === "compacted");
  expect(compacted.length).toBeGreaterThan(0);
  expect(model.requests.filter(asksForSummary)).toHaveLength(compacted.length);
});

test("[CMP7] a summary that fails does not fail a run that still fits; one that no longer fits is told why", async () => {
  await using model = await startStrictModel({
    window: 8000,
    count,
    answer: (reply, request, tokens) => {
      if (asksForSummary(request)) return reply.fail(400, "no summaries today");
      reply.text("ok");
      reply.finish("stop", tokens);
    },
  });
  await using server = await startServer({ config: { llm: model.llm, compaction: { threshold: 2500 } } });
  await using client = await connectRaw(server.url);
  const ask = async (content: string) => {
    client.send({ source: "test", content });
    return await client.next("OutboundEvent");
  };
  expect(await ask("short")).toMatchObject({ content: "ok" });
  expect(await ask("A cat reads. ".repeat(1000))).toMatchObject({ content: "ok", error: null });
  expect(model.requests.filter(asksForSummary)).toHaveLength(1);
  expect(await ask("A cat reads. ".repeat(4000))).toMatchObject({
    content: "",
    error: expect.stringMatching(
      /^This needs about \d+ tokens; scripted takes 8000 \(llm\.context_window\), and it could not be summarised \(.*no summaries today.*\)\. \/clear begins anew$/,
    ),
  });
  await ask("/clear");
  expect(await ask("short")).toMatchObject({ content: "ok" });
});
