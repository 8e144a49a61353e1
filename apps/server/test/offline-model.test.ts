import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ModelEvent, ModelMessage, ModelTool, ModelToolCall } from "../src/agent/language-model.ts";
import { createOfflineModel } from "../src/agent/offline-model.ts";
import { createReadTool } from "../src/agent/tools/read.ts";
import { createToolRegistry } from "../src/agent/tools/registry.ts";
import { createSkillTool } from "../src/agent/tools/skill.ts";
import { callContext } from "./support/call-context.ts";

const never = new AbortController().signal;
const label = "*(offline model)*\n\n";
const skill = { skillId: "meeting-notes", name: "Meeting notes", description: "Minutes.", body: "1. Listen well." };
const registry = createToolRegistry(
  [
    createReadTool({ workspaceDir: join(import.meta.dirname, "../../../default_workspace") }),
    createSkillTool(new Map([[skill.skillId, skill]])),
  ],
  {
    onError: (error) => {
      throw error;
    },
  },
);

async function turn(messages: readonly ModelMessage[], tools: readonly ModelTool[] = registry.tools()) {
  const events: ModelEvent[] = [];
  for await (const event of createOfflineModel({ chunkDelayMs: 0 }).stream({ messages, tools }, never))
    events.push(event);
  const text = events.map((event) => (event.type === "text" ? event.content : "")).join("");
  const call = events.find((event) => event.type === "tool_call")?.call;
  return { events, text, call };
}

/** The answers to messages that a user sends one after the other. */
async function talk(...said: readonly string[]): Promise<string[]> {
  const messages: ModelMessage[] = [{ role: "system", content: "You are Pickle." }];
  const answers: string[] = [];
  for (const content of said) {
    messages.push({ role: "user", content });
    const { text, call } = await turn(messages, []);
    expect(call).toBeUndefined();
    expect(text.startsWith(label)).toBe(true);
    messages.push({ role: "assistant", content: text });
    answers.push(text.slice(label.length));
  }
  return answers;
}

async function answerWithTool(content: string): Promise<{ call: ModelToolCall | undefined; text: string }> {
  const messages: ModelMessage[] = [{ role: "user", content }];
  const { call, text } = await turn(messages);
  if (!call) return { call, text };
  expect(text).toBe("");
  const result = await registry.run(callContext(call.name, call.arguments), never);
  messages.push({ role: "assistant", content: "", tool_calls: [call] });
  messages.push({ role: "tool", content: result.content, tool_call_id: call.id });
  return { call, text: (await turn(messages)).text };
}

describe("answers", () => {
  test("[RUN10] every answer says that it is scripted, and streams in words with a finish at the end", async () => {
    const { events, text } = await turn([{ role: "user", content: "Hello, Pickle!" }]);
    expect(text).toMatch(/^\*\(offline model\)\*\n\nHello!/);
    const finish = events.at(-1);
    expect(events.slice(0, -1).every((event) => event.type === "text" && /^\S+\s*$/.test(event.content))).toBe(true);
    expect(finish).toEqual({
      type: "finish",
      reason: "stop",
      usage: { input_tokens: 4, output_tokens: Math.ceil(text.length / 4) },
      model: "offline",
      cost: null,
    });
  });

  test("[RUN10] the same conversation gets the same answers, another text another one", async () => {
    const texts = Array.from({ length: 12 }, (_, n) => `The weather is of kind number ${n}.`);
    const once = await talk(...texts);
    expect(await talk(...texts)).toEqual(once);
    expect(new Set(once).size).toBeGreaterThan(2);
  });

  test("[RUN10] a name is remembered, the newest one counts", async () => {
    const [, recalled, , renamed] = await talk(
      "Hi, my name is Ada.",
      "What is my name?",
      "call me Grace",
      "hello again",
    );
    expect(recalled).toContain("You are Ada.");
    expect(renamed).toContain("Hello, Grace!");
    expect(await talk("do you know my name?")).toEqual([expect.stringContaining("not told me yet")]);
  });

  test.each([
    ["How do I add an API key?", /config\.example\.yaml` to `config\.user\.yaml`.*llm\.api_key.*notices by itself/s],
    ["help", /API key/],
    ["who are you?", /small script/],
    ["What time is it?", /\d\d:\d\d/],
    ["count to 5", /^1 2 3 4 5$/],
    ["count to 999999999", /200 … and/],
    ["tell me a story", /.{300}/s],
    ["thanks!", /./],
    ["", /./],
    ["?".repeat(60_000), /./],
  ])("[RUN10] %.40s", async (text, expected) => {
    expect(await talk(text)).toEqual([expect.stringMatching(expected)]);
  });

  test("[RUN10] every now and then it says how to get a real model", async () => {
    const answers = await talk("It rains.", "It snows.", "It hails.");
    expect(answers.filter((text) => text.includes("API key"))).toHaveLength(1);
  });
});

describe("tools", () => {
  test.each([
    ["read README.md", "README.md"],
    ["Please open the file `notes/today.md`.", "notes/today.md"],
    ["what is in agents/pickle/AGENT.md?", "agents/pickle/AGENT.md"],
    ["Read ../../etc/passwd", "../../etc/passwd"],
  ])("[RUN10] %s", async (text, path) => {
    const { call } = await answerWithTool(text);
    expect(call).toEqual({ id: expect.any(String), name: "read", arguments: JSON.stringify({ path }) });
  });

  test("[RUN10] a file's beginning is quoted; a refusal is passed on", async () => {
    expect((await answerWithTool("read README.md")).text).toMatch(
      /^\*\(offline model\)\*\n\nI opened `README\.md`.*\n```text\n# Your workspace/s,
    );
    expect((await answerWithTool("read ../secret.md")).text).toContain("must stay inside the workspace");
  });

  test("[RUN10] a skill is opened by its name", async () => {
    const { call, text } = await answerWithTool("Use the meeting notes skill");
    expect(call).toMatchObject({ name: "skill", arguments: '{"skill_name":"meeting-notes"}' });
    expect(text).toContain("```text\n1. Listen well.\n```");
  });

  test.each(["what is in your mind?", "read https://example.com/a.html", "I like to read. Do you?", "open the window"])(
    "[RUN10] no tool for: %s",
    async (text) => {
      expect((await answerWithTool(text)).call).toBeUndefined();
    },
  );

  test("[RUN10] without tools nothing is called", async () => {
    expect((await turn([{ role: "user", content: "read README.md" }], [])).call).toBeUndefined();
  });
});

test("[RUN10] stops at once and rethrows the reason", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const seen: ModelEvent[] = [];
  const reading = async (): Promise<void> => {
    const request = { messages: [{ role: "user" as const, content: "tell me a story" }], tools: [] };
    for await (const event of createOfflineModel({ chunkDelayMs: 60_000 }).stream(request, stop.signal)) {
      seen.push(event);
      setTimeout(() => stop.abort(reason), 5);
    }
  };
  await expect(reading()).rejects.toBe(reason);
  expect(seen).toHaveLength(1);
});
