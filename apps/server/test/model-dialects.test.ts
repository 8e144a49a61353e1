import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type {
  LanguageModel,
  ModelEvent,
  ModelMessage,
  ModelRequest,
  ModelToolCall,
} from "../src/agent/language-model.ts";
import { createOpenAiModel } from "../src/agent/llm/openai-model.ts";
import { LlmConfig } from "../src/workspace/config.ts";
import { loadConfig } from "../src/workspace/load-config.ts";
import { callPiece, done, failure, finish, type Reply, type Step, startProvider, text } from "./llm-provider.ts";
import { noImages } from "./support/ask-model.ts";
import { MODEL_DIALECTS } from "./support/model-dialects.ts";
import { temporaryFolder } from "./workspace-folder.ts";

const DOCS = readFileSync(join(import.meta.dirname, "../../../docs/models.md"), "utf8");
const [, PROVIDERS = ""] = /^# Models$([\s\S]*?)^## Fallbacks$/m.exec(DOCS) ?? [];
const recipes = new Map(
  [...PROVIDERS.matchAll(/^## (.+)$(?:(?!^## )[\s\S])*?^```yaml\n([\s\S]*?)^```$/gm)].map(
    ([, provider = "", yaml = ""]) => [provider, yaml],
  ),
);
const env = { OPENAI_API_KEY: "sk-0123456789", OPENROUTER_API_KEY: "sk-or-0123456789" };
const tools = [{ name: "read", description: "Reads a file.", parameters: { type: "object" } }];

async function turn(model: LanguageModel, messages: readonly ModelMessage[]): Promise<ModelEvent[]> {
  return collect(model, { messages, tools });
}

async function collect(model: LanguageModel, request: ModelRequest): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of model.stream(request, new AbortController().signal)) events.push(event);
  return events;
}

const callsOf = (events: readonly ModelEvent[]): ModelToolCall[] =>
  events.flatMap((event) => (event.type === "tool_call" ? event.call : []));
const textOf = (events: readonly ModelEvent[]): string =>
  events.map((event) => (event.type === "text" ? event.content : "")).join("");

function modelAt(baseUrl: string): LanguageModel {
  return createOpenAiModel(LlmConfig.parse({ model: "m", api_base: baseUrl }), noImages);
}

describe("providers", () => {
  test("[LLM4] each recipe of docs/models.md has its dialect here, and each dialect its recipe", () => {
    expect([...recipes.keys()].sort()).toEqual(MODEL_DIALECTS.map(({ provider }) => provider).sort());
  });

  test.each(MODEL_DIALECTS)("[LLM4] [LLM2] a conversation with a tool call: $provider", async (dialect) => {
    await using folder = await temporaryFolder({ "config.user.yaml": recipes.get(dialect.provider) ?? "" });
    const { config, isOffline } = await loadConfig(folder.path, { env });
    expect(isOffline).toBe(false);
    await using provider = await startProvider(...dialect.replies);
    const model = createOpenAiModel({ ...config.llm, api_base: provider.baseUrl }, noImages);

    const question: ModelMessage = { role: "user", content: "What do my notes say?" };
    const first = await turn(model, [question]);
    expect(textOf(first)).toBe("Let me look.");
    const [call] = callsOf(first);
    expect(call).toMatchObject({ id: expect.stringMatching(/.+/), name: "read" });
    expect(JSON.parse(call?.arguments ?? "")).toEqual({ path: "notes.md" });
    expect(first.at(-1)).toMatchObject({ type: "finish", usage: dialect.usage });

    const said: ModelMessage = { role: "assistant", content: textOf(first), tool_calls: callsOf(first) };
    const result: ModelMessage = { role: "tool", content: "42", tool_call_id: call?.id ?? "" };
    const second = await turn(model, [question, said, result]);
    expect(textOf(second)).toBe("It says 42.");
    expect(callsOf(second)).toEqual([]);
    expect(second.at(-1)).toMatchObject({ type: "finish", reason: "stop", usage: dialect.usage });

    expect(provider.requests).toHaveLength(dialect.replies.length);
    const body = provider.requests.at(-1)?.body;
    expect(body).toMatchObject({ model: config.llm.model, ...dialect.lastBody });
    for (const key of dialect.neverSent ?? []) expect(body).not.toHaveProperty(key);
  });
});

describe("tool calls", () => {
  const fn = (name: string, args?: unknown) => ({ name, ...(args !== undefined && { arguments: args }) });
  test.each<[string, readonly Step[], readonly [string, string][]]>([
    [
      "two under one index, without ids",
      [callPiece({ index: 0, function: fn("read", '{"a":1}') }), callPiece({ index: 0, function: fn("read", "{}") })],
      [
        ["read", '{"a":1}'],
        ["read", "{}"],
      ],
    ],
    [
      "two without index or id, one with its arguments in pieces",
      [
        callPiece({ function: fn("read", '{"a"') }),
        callPiece({ function: { arguments: ":1}" } }),
        callPiece({ function: fn("skill", "{}") }),
      ],
      [
        ["read", '{"a":1}'],
        ["skill", "{}"],
      ],
    ],
    [
      "two in one chunk, without an index",
      [{ chunk: { choices: [{ delta: { tool_calls: [{ function: fn("a", {}) }, { function: fn("b") }] } }] } }],
      [
        ["a", "{}"],
        ["b", ""],
      ],
    ],
    [
      "two in turns, by index",
      [
        callPiece({ index: 0, function: fn("a", "{") }),
        callPiece({ index: 1, function: fn("b", "[") }),
        callPiece({ index: 0, function: { arguments: "}" } }),
        callPiece({ index: 1, function: { arguments: "]" } }),
      ],
      [
        ["a", "{}"],
        ["b", "[]"],
      ],
    ],
    ["arguments as null", [callPiece({ index: 0, id: "a", function: fn("read", null) })], [["read", ""]]],
  ])("[LLM2] %s", async (_, steps, expected) => {
    await using provider = await startProvider({ steps: [...steps, finish("stop"), done] });
    const calls = callsOf(await turn(modelAt(provider.baseUrl), []));
    expect(calls.map(({ name, arguments: args }) => [name, args])).toEqual(expected);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(expected.length);
  });

  test("[LLM2] a call without arguments is sent back with an empty object", async () => {
    await using provider = await startProvider({ steps: [text("ok"), finish("stop"), done] });
    const call = { id: "a", name: "read", arguments: "" };
    await turn(modelAt(provider.baseUrl), [{ role: "assistant", content: "", tool_calls: [call] }]);
    expect(provider.requests[0]?.body.messages).toMatchObject([{ tool_calls: [{ function: { arguments: "{}" } }] }]);
  });
});

describe("refused parameters", () => {
  const good: Reply = { steps: [text("ok"), finish("stop"), done] };
  const refuse = (detail: unknown, status = 400): Reply => ({
    ...failure(status, ""),
    steps: [{ raw: JSON.stringify(detail) }],
  });

  test.each<[string, Reply, string]>([
    ["temperature", failure(400, "invalid temperature: only 1 is allowed for this model"), "temperature"],
    ["temperature", failure(400, "`temperature` is deprecated for this model."), "temperature"],
    ["stream_options", failure(400, "Unrecognized request argument supplied: stream_options"), "stream_options"],
    [
      "stream_options",
      refuse({ detail: [{ type: "extra_forbidden", loc: ["body", "stream_options"] }] }, 422),
      "stream_options",
    ],
    ["max_tokens", failure(400, "unknown field max_tokens; use max_completion_tokens"), "max_tokens"],
  ])("[LLM3] %s is left out from then on (%#)", async (_, reply, key) => {
    await using provider = await startProvider(reply, good);
    const model = modelAt(provider.baseUrl);
    for (let turns = 0; turns < 2; turns += 1) expect(textOf(await turn(model, []))).toBe("ok");
    expect(provider.requests.map(({ body }) => key in body)).toEqual([true, false, false]);
  });

  test("[LLM3] a model that refuses both names of the limit gets none, another model is asked as usual", async () => {
    await using provider = await startProvider(
      failure(400, "unknown parameter: max_tokens"),
      failure(400, "unknown parameter: max_completion_tokens"),
      good,
    );
    const model = modelAt(provider.baseUrl);
    await turn(model, []);
    await collect(model, { messages: [], tools, model: "other" });
    const limits = provider.requests.map(({ body }) => [body.max_tokens, body.max_completion_tokens]);
    expect(limits).toEqual([
      [2048, undefined],
      [undefined, 2048],
      [undefined, undefined],
      [2048, undefined],
    ]);
  });

  test("[LLM3] what is too large, not refused, fails with what the provider says, also in a shape of its own", async () => {
    const message = "max_tokens is too large: 2048";
    await using provider = await startProvider(refuse({ object: "error", message, code: 400 }), good);
    await expect(turn(modelAt(provider.baseUrl), [])).rejects.toThrow(`answered 400 ${message}`);
    expect(provider.requests).toHaveLength(1);
  });
});
