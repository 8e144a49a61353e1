import { describe, expect, test } from "vitest";
import { ModelError, type ModelEvent, type ModelRequest } from "../src/agent/language-model.ts";
import { createOpenAiModel } from "../src/agent/llm/openai-model.ts";
import { LlmConfig } from "../src/workspace/config.ts";
import { callPiece, done, failure, finish, type Provider, type Reply, startProvider, text } from "./llm-provider.ts";

const key = "sk-planted-0123456789";
const request: ModelRequest = { messages: [{ role: "user", content: "Hi" }], tools: [] };
const unpriced = { model: "m", cost: null };
const never = new AbortController().signal;
const good: Reply = { steps: [text("Hello"), finish("stop"), done] };

function modelOf(baseUrl: string, timeouts: Partial<LlmConfig["timeouts"]> = {}) {
  return createOpenAiModel(LlmConfig.parse({ model: "m", api_key: key, api_base: baseUrl, timeouts }));
}

interface Outcome {
  readonly events: readonly ModelEvent[];
  /** What was said since the last restart. */
  readonly text: string;
  readonly error: unknown;
  readonly ms: number;
}

async function ask(
  provider: Provider | string,
  options: { timeouts?: Partial<LlmConfig["timeouts"]>; request?: ModelRequest; signal?: AbortSignal } = {},
): Promise<Outcome> {
  const model = modelOf(typeof provider === "string" ? provider : provider.baseUrl, options.timeouts);
  const events: ModelEvent[] = [];
  const start = performance.now();
  let error: unknown;
  try {
    for await (const event of model.stream(options.request ?? request, options.signal ?? never)) events.push(event);
  } catch (cause) {
    error = cause;
  }
  const last = events.slice(events.findLastIndex(({ type }) => type === "restart") + 1);
  const said = last.map((event) => (event.type === "text" ? event.content : "")).join("");
  return { events, text: said, error, ms: performance.now() - start };
}

/** The message of a failure that a user may see: one line, without the key. */
function messageOf({ error }: Outcome): string {
  if (!(error instanceof ModelError)) throw new Error(`no ModelError: ${String(error)}`);
  expect(error.message).not.toMatch(/\n|planted/);
  expect(error.cause).toBeUndefined();
  return error.message;
}

describe("a complete answer", () => {
  test("[LLM1] text streams, then the finish with usage", async () => {
    const usage = { chunk: { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } } };
    await using provider = await startProvider({
      steps: [
        { raw: ": keep-alive\n\n" },
        { chunk: { choices: [] } },
        text("Hel"),
        text("lo"),
        finish("stop"),
        usage,
        done,
      ],
    });
    const { events, error } = await ask(provider);
    expect(error).toBeUndefined();
    expect(events).toEqual([
      { type: "text", content: "Hel" },
      { type: "text", content: "lo" },
      { type: "finish", reason: "stop", usage: { input_tokens: 7, output_tokens: 2 }, ...unpriced },
    ]);
    expect(provider.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
    expect(provider.requests[0]?.body).toMatchObject({
      model: "m",
      messages: request.messages,
      temperature: 0.7,
      max_tokens: 2048,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(provider.requests[0]?.body).not.toHaveProperty("tools");
  });

  test("[LLM1] tool calls are put together from pieces; a missing id is made up", async () => {
    await using provider = await startProvider({
      steps: [
        text("Let me see."),
        callPiece({ index: 0, id: "a", function: { name: "read", arguments: '{"pa' } }),
        callPiece({ index: 1, function: { name: "skill", arguments: "" } }),
        callPiece({ index: 0, function: { arguments: 'th":"x"}' } }),
        callPiece({ index: 1, function: { arguments: "{}" } }),
        callPiece({ index: 0, id: "b", function: { name: "read", arguments: "[" } }),
        finish("tool_calls"),
        done,
      ],
    });
    const { events } = await ask(provider);
    expect(events.slice(1)).toEqual([
      { type: "tool_call", call: { id: "a", name: "read", arguments: '{"path":"x"}' } },
      { type: "tool_call", call: { id: expect.stringMatching(/^call_.+/), name: "skill", arguments: "{}" } },
      { type: "tool_call", call: { id: "b", name: "read", arguments: "[" } },
      { type: "finish", reason: "tool_calls", usage: null, ...unpriced },
    ]);
  });

  test("[LLM1] [TOOL6] [bug one-id-for-two-calls] calls of one turn have ids of their own, whatever the model says (P18)", async () => {
    await using provider = await startProvider({
      steps: [
        callPiece({ index: 0, id: "a", function: { name: "bash", arguments: "{}" } }),
        callPiece({ index: 1, id: "a", function: { name: "bash", arguments: "" } }),
        callPiece({ index: 1, id: "a", function: { arguments: "[]" } }),
        finish("tool_calls"),
        done,
      ],
    });
    const { events } = await ask(provider);
    expect(events).toMatchObject([
      { call: { id: "a", arguments: "{}" } },
      { call: { id: expect.stringMatching(/^call_.+/), arguments: "[]" } },
      { type: "finish" },
    ]);
  });

  test("[LLM1] tools, calls and their results are sent in the provider's shape", async () => {
    await using provider = await startProvider(good);
    const call = { id: "a", name: "read", arguments: "{}" };
    const parameters = { type: "object", properties: {} };
    await ask(provider, {
      request: {
        messages: [
          { role: "system", content: "s" },
          { role: "assistant", content: "", tool_calls: [call] },
          { role: "tool", content: "r", tool_call_id: "a" },
          { role: "assistant", content: "done" },
        ],
        tools: [{ name: "read", description: "Reads.", parameters }],
      },
    });
    expect(provider.requests[0]?.body).toMatchObject({
      messages: [
        { role: "system", content: "s" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "read", arguments: "{}" } }],
        },
        { role: "tool", content: "r", tool_call_id: "a" },
        { role: "assistant", content: "done" },
      ],
      tools: [{ type: "function", function: { name: "read", description: "Reads.", parameters } }],
    });
  });

  test.each([
    ["length", "length"],
    ["content_filter", "content_filter"],
    ["function_call", "tool_calls"],
    ["something_new", "other"],
  ])("[LLM1] finish reason %s", async (reason, expected) => {
    await using provider = await startProvider({ steps: [text("x"), finish(reason), done] });
    expect((await ask(provider)).events.at(-1)).toEqual({ type: "finish", reason: expected, usage: null, ...unpriced });
  });

  test("[LLM1] after the finish reason nothing can spoil the answer", async () => {
    for (const end of [{ hang: true } as const, { reset: true } as const, { raw: "data: {not json\n\n" }]) {
      await using provider = await startProvider({ steps: [text("ok"), finish("stop"), { waitMs: 20 }, end] });
      const outcome = await ask(provider, { timeouts: { idle: 0.2 } });
      expect(outcome.error).toBeUndefined();
      expect(outcome.events.at(-1)).toEqual({ type: "finish", reason: "stop", usage: null, ...unpriced });
    }
  });

  test("[LLM1] an endless answer ends at 1 MiB as if it had met its limit, and upstream is closed", async () => {
    const steps = Array.from({ length: 400 }, () => text("x".repeat(4096)));
    await using provider = await startProvider({ steps: [...steps, { hang: true }] });
    const outcome = await ask(provider);
    expect(outcome.text.length).toBe(1024 * 1024);
    expect(outcome.events.at(-1)).toMatchObject({ type: "finish", reason: "length" });
    await provider.clientLeft;
  });
});

describe("watchdogs", () => {
  test("[RUN7] headers never come: the first-byte bound, three times, and upstream is closed (P16)", async () => {
    await using provider = await startProvider({ steps: [{ hang: true }] });
    const outcome = await ask(provider, { timeouts: { first_byte: 0.2 } });
    expect(messageOf(outcome)).toBe("The model did not start to answer within 0.2 s");
    expect(outcome.ms).toBeLessThan(3 * 200 + 250 + 1000 + 2000);
    expect(provider.requests).toHaveLength(3);
    await provider.clientLeft;
  });

  test("[RUN7] headers come and nothing else: the first-byte bound", async () => {
    await using provider = await startProvider({ steps: [{ raw: ": hello\n\n" }, { hang: true }] });
    expect(messageOf(await ask(provider, { timeouts: { first_byte: 0.2 } }))).toContain(
      "did not start to answer within 0.2 s",
    );
  });

  test("[RUN7] a stall after some chunks: the idle bound, and upstream is closed", async () => {
    await using provider = await startProvider({ steps: [text("a"), text("b"), { hang: true }] });
    const outcome = await ask(provider, { timeouts: { idle: 0.2 } });
    expect(messageOf(outcome)).toBe("The model stopped in the middle of its answer for 0.2 s");
    expect(outcome.text).toBe("ab");
    expect(outcome.ms).toBeLessThan(1200);
    await provider.clientLeft;
  });

  test("[RUN7] a drip without end: the total bound", async () => {
    const drip = Array.from({ length: 100 }, () => [text("."), { waitMs: 20 }]).flat();
    await using provider = await startProvider({ steps: drip });
    const outcome = await ask(provider, { timeouts: { idle: 5, total: 0.3 } });
    expect(messageOf(outcome)).toBe("The model took longer than 0.3 s for its answer");
    expect(outcome.ms).toBeLessThan(1300);
  });

  test("[RUN7] [RUN8] [bug first-byte-over-all-tries] each try has a first-byte bound of its own, all have the total one (P16)", async () => {
    const stalled: Reply = { steps: [{ hang: true }] };
    await using slow = await startProvider(failure(429, "wait", { "retry-after": "0.8" }), stalled, good);
    expect(await ask(slow, { timeouts: { first_byte: 0.5 } })).toMatchObject({ text: "Hello", error: undefined });
    expect(slow.requests).toHaveLength(3);
    await using never = await startProvider(failure(429, "wait", { "retry-after": "1" }));
    const outcome = await ask(never, { timeouts: { total: 0.3 } });
    expect(messageOf(outcome)).toBe("The model took longer than 0.3 s for its answer");
    expect(outcome.ms).toBeLessThan(1300);
  });

  test("[RUN7] an abort rethrows its reason and closes upstream within 1 s", async () => {
    for (const steps of [[{ hang: true } as const], [text("a"), { hang: true } as const]]) {
      await using provider = await startProvider({ steps });
      const stop = new AbortController();
      const reason = new Error("the user stopped it");
      setTimeout(() => stop.abort(reason), 100);
      const outcome = await ask(provider, { signal: stop.signal });
      expect(outcome.error).toBe(reason);
      expect(outcome.ms).toBeLessThan(1100);
      await provider.clientLeft;
    }
    expect((await ask("http://127.0.0.1:9/v1", { signal: AbortSignal.abort("no") })).error).toBe("no");
  });

  test("[RUN7] a reader that leaves closes upstream", async () => {
    await using provider = await startProvider({ steps: [text("a"), { hang: true }] });
    for await (const _ of modelOf(provider.baseUrl).stream(request, never)) break;
    await provider.clientLeft;
  });
});

describe("failures", () => {
  test("[RUN8] 401 says what to do, without the key and without another try", async () => {
    await using provider = await startProvider(
      failure(401, `Incorrect API key provided: ${key}. Or sk-plan*****6789?`),
    );
    expect(messageOf(await ask(provider))).toBe(
      "The model provider openai refused the API key (401): check llm.api_key",
    );
    expect(provider.requests).toHaveLength(1);
  });

  test("[RUN8] 400 and 404 are passed on in one line, without the key", async () => {
    await using provider = await startProvider(
      failure(400, `bad\n  ${key} or sk-part***tail`),
      failure(404, "no such model"),
    );
    expect(messageOf(await ask(provider))).toBe("The model provider openai answered 400 bad [key] or [key]");
    expect(messageOf(await ask(provider))).toContain("404 no such model; check llm.model (m) and llm.api_base");
    expect(provider.requests).toHaveLength(2);
  });

  test("[RUN8] 500 three times fails; after one it is tried again", async () => {
    await using broken = await startProvider(failure(500, "sorry"));
    expect(messageOf(await ask(broken))).toBe("The model provider openai answered 500 sorry");
    expect(broken.requests).toHaveLength(3);
    await using flaky = await startProvider(failure(503, "busy"), good);
    expect((await ask(flaky)).text).toBe("Hello");
  });

  test("[RUN8] 429 is tried again when the provider says; too long a wait is named instead", async () => {
    await using soon = await startProvider(failure(429, "slow down", { "retry-after": "0.3" }), good);
    const outcome = await ask(soon);
    expect(outcome.text).toBe("Hello");
    expect(outcome.ms).toBeGreaterThan(290);
    await using late = await startProvider(failure(429, "quota", { "retry-after": "9999999" }));
    expect(messageOf(await ask(late))).toBe("The model provider openai answered 429 quota; it asks to wait 9999999 s");
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    await using dated = await startProvider(failure(429, "quota", { "retry-after": date }));
    expect(messageOf(await ask(dated))).toMatch(/asks to wait 3[56]\d\d s$/);
  });

  test("[RUN8] nobody listens", async () => {
    const closed = await startProvider(good);
    await closed[Symbol.asyncDispose]();
    expect(messageOf(await ask(closed))).toBe(
      "Cannot reach the model provider openai (ECONNREFUSED): check the network and llm.api_base",
    );
  });

  test.each([
    ["a reset", { reset: true } as const, /broke off its answer: the connection was lost \(\w+\)$/],
    ["an end without finish_reason", { waitMs: 0 }, /broke off its answer$/],
    ["an end with only [DONE]", done, /broke off its answer$/],
    ["broken JSON", { raw: "data: {not json\n\n" }, /broke off its answer: it sent broken JSON$/],
    [
      "an error object",
      { chunk: { error: { message: `overloaded ${key}` } } },
      /reported an error: overloaded \[key\]$/,
    ],
    ["an error event", { raw: 'event: error\ndata: {"message":"gone"}\n\n' }, /reported an error: gone$/],
    ["a line without end", { raw: Buffer.alloc(6 * 1024 * 1024, "x") }, /sent a line that does not end$/],
  ])(
    "[RUN8] %s: after some text the answer begins again once, before any there are three tries (P16, P17)",
    async (_, step, message) => {
      const broken: Reply = { steps: [text("some"), { waitMs: 20 }, step] };
      await using after = await startProvider(broken);
      const outcome = await ask(after);
      expect(messageOf(outcome)).toMatch(message);
      expect(outcome.events.map(({ type }) => type)).toEqual(["text", "restart", "text"]);
      expect(after.requests).toHaveLength(2);
      await using once = await startProvider(broken, good);
      expect(await ask(once)).toMatchObject({ text: "Hello", error: undefined });
      await using before = await startProvider({ steps: [{ waitMs: 5 }, step] });
      expect(messageOf(await ask(before))).toMatch(message);
      expect(before.requests).toHaveLength(3);
    },
  );

  test("[RUN8] a tool call without end fails", async () => {
    const piece = callPiece({ index: 0, id: "a", function: { name: "read", arguments: "x".repeat(200_000) } });
    await using provider = await startProvider({
      steps: [text("a"), ...Array.from({ length: 6 }, () => piece), finish("tool_calls")],
    });
    expect(messageOf(await ask(provider))).toBe("The model wrote a tool call without end");
  });
});
