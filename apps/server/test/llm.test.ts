import { describe, expect, test } from "vitest";
import { callPiece, done, finish, startProvider, text } from "./llm-provider.ts";

import { ask, good, key, request, unpriced } from "./support/ask-model.ts";

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
