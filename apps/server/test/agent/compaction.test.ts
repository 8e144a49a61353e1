import { expect, test } from "vitest";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import type { ChatRequest, ModelReply } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { asksForSummary, type StrictModel, startStrictModel, textOf } from "../support/strict-model.ts";
import { connectTrpcHttp } from "../support/trpc-client.ts";

const count = (text: string): number => Math.ceil(text.length / 4);
const FACT = /fact-\d+-\d+ is [a-z0-9]+/g;

async function ask(client: RawClient, content: string, source = "test"): Promise<unknown> {
  client.send({ source, content });
  for (;;) {
    const outbound = await client.next("OutboundEvent");
    const own = client.frames.find(({ type, run_id }) => type === "InboundEvent" && run_id === outbound.run_id);
    if (own?.content === content) return outbound.error ?? outbound.content;
  }
}

function factsOf(request: ChatRequest): string[] {
  return textOf(request).match(FACT) ?? [];
}

/** Names every fact it was shown when it summarises; else calls a tool before each answer. */
function rememberingAnswer(reply: ModelReply, request: ChatRequest, tokens: number): void {
  const last = request.messages.at(-1);
  if (asksForSummary(request)) {
    reply.text([...new Set(factsOf(request))].join("\n"));
    reply.finish("stop", tokens);
  } else if (last?.role === "user") {
    reply.text("I look.");
    reply.toolCall(0, "call_1", "read", { path: "notes.md" });
    reply.toolCall(1, "call_2", "read", { path: "missing.md" });
    reply.finish("tool_calls", tokens);
  } else {
    reply.text(`Noted, and ${"so on ".repeat(20)}`);
    reply.finish("stop", tokens);
  }
}

function missingFacts({ requests }: StrictModel, conversation: number): string[] {
  return requests.flatMap((request) => {
    const known = new Set(factsOf(request));
    const newest = Math.max(...[...known].map((fact) => Number(/-(\d+) is/.exec(fact)?.[1])));
    if (!textOf(request).includes(`fact-${conversation}-`) || asksForSummary(request)) return [];
    const all = Array.from({ length: newest + 1 }, (_, turn) => fact(conversation, turn));
    return all.filter((each) => !known.has(each)).map((each) => `${each} is not in the request of turn ${newest}`);
  });
}

function fact(conversation: number, turn: number): string {
  return `fact-${conversation}-${turn} is ${(conversation * 7919 + turn * 104_729).toString(36)}`;
}

test("[CMP1] [CMP5] [CMP6] 10 conversations of 200 turns with tools go over the threshold, without an orphan or a lost fact", async () => {
  const conversations = 10;
  const messages = 100; // two turns each
  await using model = await startStrictModel({ window: 8000, count, answer: rememberingAnswer });
  const files = { "notes.md": "a note about cats, ".repeat(20) };
  await using server = await startServer({ config: { llm: model.llm }, files });
  const talks = Array.from({ length: conversations }, async (_, conversation) => {
    await using client = await connectRaw(server.url, `?events=all&source=c${conversation}`);
    for (let turn = 0; turn < messages; turn++) {
      const answer = await ask(client, `Remember: ${fact(conversation, turn)}.`, `c${conversation}`);
      expect(answer).toMatch(/^Noted/);
    }
    return client.frames.filter(({ action }) => action === "compacted").length;
  });
  const compactions = await Promise.all(talks);
  expect(Math.min(...compactions)).toBeGreaterThan(1);
  expect(model.faults).toEqual([]);
  expect(model.requests.filter((request) => !asksForSummary(request))).toHaveLength(conversations * messages * 2);
  for (let conversation = 0; conversation < conversations; conversation++) {
    expect(missingFacts(model, conversation)).toEqual([]);
  }
}, 240_000);

test("[CMP4] long tool results are cut for the model, the oldest first and no more than needed, before anything is summarised", async () => {
  await using model = await startStrictModel({
    window: 40_000,
    count,
    answer: (reply, { messages }, tokens) => {
      const turn = messages.filter(({ role }) => role === "tool").length;
      if (turn < 4) reply.toolCall(0, `call_${turn}`, "read", { path: "long.md" });
      else reply.text("done");
      reply.finish(turn < 4 ? "tool_calls" : "stop", tokens);
    },
  });
  const files = { "long.md": `begin ${"word ".repeat(10_000)} end` };
  await using server = await startServer({ config: { llm: model.llm }, files });
  await using client = await connectRaw(server.url, "?events=all");
  expect(await ask(client, "read it four times")).toBe("done");
  const results = model.requests.at(-1)?.messages.filter(({ role }) => role === "tool") ?? [];
  expect(results.map(({ content }) => content.length > 11_000)).toEqual([false, false, true, true]);
  expect(results[0]?.content).toMatch(/^begin [\s\S]*\n\[cut: \d+ of \d+ characters\]\n[\s\S]* end$/);
  expect(client.frames.filter(({ action }) => action === "compacted")).toEqual([]);
  const stored = client.frames.filter(({ type }) => type === "ToolResultEvent");
  expect(stored.every(({ content }) => `${content}`.length > 50_000)).toBe(true);
  expect(model.faults).toEqual([]);
});

test("[CMP2] [bug contract-4.3] [bug contract-4.11] /compact is a durable summary in the same session, asked for once", async () => {
  await using model = await startStrictModel({ window: 8000, count, answer: rememberingAnswer });
  await using server = await startServer({ config: { llm: model.llm }, files: { "notes.md": "cats" } });
  await using client = await connectRaw(server.url, "?events=all");
  expect(await ask(client, "/compact")).toBe("There is nothing to compact.");
  for (let turn = 0; turn < 3; turn++) await ask(client, `Remember: ${fact(1, turn)}.`);
  expect(await ask(client, "/compact")).toMatch(
    /^Compacted: 15 messages with \d+ tokens became a summary with \d+\.\n\nfact-1-0 is \w+\nfact-1-1 is \w+\nfact-1-2 is \w+$/,
  );
  expect(await ask(client, "/compact")).toBe("There is nothing to compact.");
  await server.stop("SIGKILL");
  await server.start();
  await using again = await connectRaw(server.url, "?events=all");
  await ask(again, `Remember: ${fact(1, 3)}.`);
  const seen = model.requests.at(-1)?.messages.map(({ role }) => role);
  expect(seen).toEqual(["system", "user", "user", "assistant", "tool", "tool"]);
  expect(missingFacts(model, 1)).toEqual([]);
  expect(model.requests.filter(asksForSummary)).toHaveLength(1);
  const sessions = new Set([...client.frames, ...again.frames].flatMap(({ session_id }) => session_id ?? []));
  expect(sessions.size).toBe(1);
  const { records } = await connectTrpcHttp(server.url).sessions.history.query({ session_id: `${[...sessions][0]}` });
  expect(records.filter(({ event }) => event.type === "InboundEvent")).toHaveLength(7);
});
