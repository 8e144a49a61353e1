import { describe, expect, test } from "vitest";
import { callPiece, done, failure, finish, type Reply, startProvider, text } from "./llm-provider.ts";

import { ask, good, key, messageOf, modelOf, never, request } from "./support/ask-model.ts";

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
