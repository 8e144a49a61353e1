import { expect, test } from "vitest";
import { HIDDEN } from "../../src/agent/redact.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { callsTool, type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

const KEY = "sk-test-1234567890"; // the scripted model's

function thoughtsOf({ frames }: Pick<RawClient, "frames">, turn = 0): string {
  const events = frames.filter((frame) => frame.type === "ReasoningEvent" && frame.turn === turn);
  return events.reduce((text, { offset, content }) => text.slice(0, Number(offset)) + String(content), "");
}

async function untilThought(client: RawClient, text: string): Promise<void> {
  while (!thoughtsOf(client).includes(text)) await client.next("ReasoningEvent");
}

test("[EV7] thoughts are shown apart from the answer, to late comers too; the log and the model get none", async () => {
  const go = Promise.withResolvers<void>();
  const thinks: ModelScript = async (reply, request) => {
    reply.chunk({ reasoning_content: "First ", reasoning: "First " });
    reply.chunk({ content: null, reasoning: "second." });
    await go.promise;
    reply.text("Let me look. ");
    await callsTool("read", { path: "missing.md" })(reply, request);
  };
  await using model = await startScriptedModel(thinks, says("Done."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  await using plain = await connectRaw(server.url);
  client.send({ source: "test", content: "Think" });
  await untilThought(client, "First second.");
  await using late = await connectRaw(server.url, "?events=all");
  expect(await late.next("ReasoningEvent")).toMatchObject({ turn: 0, offset: 0, content: "First second." });
  go.resolve();
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Done.", error: null });
  const deltas = client.frames.filter(({ type }) => type === "DeltaEvent").map(({ content }) => content);
  expect(deltas.join("")).toBe("Let me look. Done.");
  expect(JSON.stringify(model.requests.at(-1)?.messages)).not.toContain("second.");
  expect(plain.texts.join("\n")).not.toContain("ReasoningEvent");
  await using replay = await connectRaw(server.url, "?events=all&after=0");
  await replay.next("SyncedEvent");
  expect(replay.texts.join("\n")).not.toContain("second.");
});

test("[EV7] thoughts that broke off begin anew with the answer", async () => {
  const breaksOff: ModelScript = (reply) => {
    reply.chunk({ reasoning: "Lost." });
    reply.breakOff();
  };
  const thinksAgain: ModelScript = (reply, request) => {
    reply.chunk({ reasoning: "Kept." });
    return says("Done.")(reply, request);
  };
  await using model = await startScriptedModel(breaksOff, thinksAgain);
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Think" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Done.", error: null });
  expect(thoughtsOf(client)).toBe("Kept.");
});

test("[EV7] [TOOL13] secrets are hidden in thoughts; many pieces come as few, up to 256 Ki characters", async () => {
  const thinksMuch: ModelScript = (reply, request) => {
    reply.chunk({ reasoning: `a ${KEY.slice(0, 7)}` });
    reply.chunk({ reasoning: `${KEY.slice(7)} b` });
    for (let index = 0; index < 300; index += 1) reply.chunk({ reasoning: "x".repeat(1024) });
    return says("Done.")(reply, request);
  };
  await using model = await startScriptedModel(thinksMuch);
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  const began = performance.now();
  client.send({ source: "test", content: "Think" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Done." });
  const seconds = (performance.now() - began) / 1000;
  const thoughts = thoughtsOf(client);
  expect(thoughts.startsWith(`a ${HIDDEN} bx`)).toBe(true);
  expect(thoughts).toHaveLength(256 * 1024);
  const pieces = client.frames.filter(({ type }) => type === "ReasoningEvent");
  expect(pieces.length).toBeLessThanOrEqual(60 * seconds + 2);
});
