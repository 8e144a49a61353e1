import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HIDDEN } from "../../src/agent/redact.ts";
import { myBot } from "../support/my-bot-command.ts";
import { connectRaw, type Frame, type RawClient } from "../support/raw-client.ts";
import { type ScriptedModel, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const KEY = "sk-test-1234567890"; // the scripted model's

/** Waits in a command until the test says `go`. */
const WAIT = "until [ -e go ]; do sleep 0.05; done";

function startModel(...commands: string[]): Promise<ScriptedModel> {
  return startScriptedModel((reply) => {
    for (const [index, command] of commands.entries()) reply.toolCall(index, `call_${index}`, "bash", { command });
    reply.finish("tool_calls");
  }, says("Done."));
}

function startWith(model: ScriptedModel): Promise<ServerProcess> {
  return startServer({ config: { llm: model.llm, tools: { bash: { approval: "allow" } } } });
}

function go({ workspaceDir }: ServerProcess): void {
  writeFileSync(join(workspaceDir, "go"), "");
}

function outputOf({ frames }: Pick<RawClient, "frames">, callId = "call_0"): string {
  const events = frames.filter(({ type, tool_call_id }) => type === "ToolOutputEvent" && tool_call_id === callId);
  return events.reduce((text, { offset, content }) => text.slice(0, Number(offset)) + String(content), "");
}

async function untilOutput(client: RawClient, text: string): Promise<Frame> {
  for (;;) {
    const frame = await client.next("ToolOutputEvent");
    if (outputOf(client).includes(text)) return frame;
  }
}

test("[TOOL14] [EV6] what a command prints is shown while it runs; late comers get it from offset 0; the log has none of it", async () => {
  await using model = await startModel(
    `echo first; printf 'K\\303'; ${WAIT}; printf '\\244se\\n'; echo last`,
    "echo other",
  );
  await using server = await startWith(model);
  await using client = await connectRaw(server.url, "?events=all");
  await using plain = await connectRaw(server.url);
  client.send({ source: "test", content: "Do it" });
  const shown = await untilOutput(client, "first\nK");
  expect(Object.keys(shown)).toEqual([
    "type",
    "session_id",
    "run_id",
    "turn",
    "tool_call_id",
    "offset",
    "content",
    "cursor",
  ]);
  expect(client.frames.some(({ type, tool_call_id }) => type === "ToolResultEvent" && tool_call_id === "call_0")).toBe(
    false,
  );

  await using late = await connectRaw(server.url, "?events=all");
  await untilOutput(late, "first\nK");
  const [whole] = late.frames.filter(
    ({ type, tool_call_id }) => type === "ToolOutputEvent" && tool_call_id === "call_0",
  );
  expect(whole).toMatchObject({ turn: 0, offset: 0, content: "first\nK" }); // one piece, beside what the other call printed
  const tail = await myBot(["tail", "--url", server.url, "--types", "ToolOutputEvent"], {
    interruptAt: /ToolOutputEvent/,
  });
  expect(tail).toMatchObject({ code: 0, stdout: expect.stringContaining('"content":"first\\nK"') });

  go(server);
  await client.next("OutboundEvent");
  await late.next("OutboundEvent");
  for (const watcher of [client, late]) expect(outputOf(watcher)).toBe("first\nKäse\nlast\n");
  expect(outputOf(client, "call_1")).toBe("other\n");
  expect(
    client.frames.find(({ type, tool_call_id }) => type === "ToolResultEvent" && tool_call_id === "call_0"),
  ).toMatchObject({ content: "first\nKäse\nlast\n" });
  const kinds = client.frames.filter(({ tool_call_id }) => tool_call_id === "call_0").map(({ type }) => type);
  expect([kinds[0], kinds.at(-1)]).toEqual(["ToolCallEvent", "ToolResultEvent"]); // nothing comes late
  expect(plain.texts.join("\n")).not.toContain("ToolOutputEvent");

  await using replay = await connectRaw(server.url, "?events=all&after=0");
  await replay.next("SyncedEvent");
  expect(replay.frames.map(({ type }) => type)).toContain("ToolResultEvent");
  expect(replay.frames.map(({ type }) => type)).not.toContain("ToolOutputEvent");
});

test("[TOOL13] [TOOL14] a secret that comes in two pieces is not shown (X31)", async () => {
  await using model = await startModel(`printf 'a sk-te'; ${WAIT}; printf 'st-1234567890 b'; cat config.user.yaml`);
  await using server = await startWith(model);
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Do it" });
  await untilOutput(client, "a ");
  go(server);
  await client.next("OutboundEvent");
  expect(outputOf(client)).toContain(`a ${HIDDEN} b`);
  expect(outputOf(client)).toContain(`api_key: ${HIDDEN}`);
  expect(client.texts.join("\n")).not.toContain(KEY);
});

test("[TOOL14] much output comes in at most 20 pieces a second, and ends with a note at 64 KiB (X27)", async () => {
  await using model = await startModel("for i in $(seq 1 400); do seq 1 100; sleep 0.005; done; echo ran > effect");
  await using server = await startWith(model);
  await using client = await connectRaw(server.url, "?events=all");
  const began = performance.now();
  client.send({ source: "test", content: "Do it" });
  await client.next("OutboundEvent");
  const seconds = (performance.now() - began) / 1000;
  const pieces = client.frames.filter(({ type }) => type === "ToolOutputEvent");
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.length).toBeLessThanOrEqual(20 * seconds + 2);
  expect(outputOf(client)).toMatch(/\n\[more than 64 KiB: what is kept comes with the result\]\n$/);
  expect(outputOf(client).length).toBeLessThan(64 * 1024 + 100);
  expect(existsSync(join(server.workspaceDir, "effect"))).toBe(true);
});
