import { expect, test } from "vitest";
import { type LanguageModel, ModelError } from "../src/agent/language-model.ts";
import { createFallbackModel } from "../src/agent/llm/fallback-model.ts";
import { createOpenAiModel } from "../src/agent/llm/openai-model.ts";
import { LlmConfig } from "../src/workspace/config.ts";
import { done, failure, finish, type Reply, startProvider, text } from "./llm-provider.ts";
import { noImages } from "./support/ask-model.ts";

const never = new AbortController().signal;
const answer: Reply = { steps: [text("Hello"), finish("stop"), done] };

function modelAt(baseUrl: string, model: string, timeouts: Partial<LlmConfig["timeouts"]> = {}): LanguageModel {
  return createOpenAiModel(LlmConfig.parse({ provider: model, model, api_base: baseUrl, timeouts }), noImages);
}

/** Asks `first`, then `second`; tells what was said, by which model, and what failed on the way. */
async function ask(first: LanguageModel, second: LanguageModel, options: { total?: number; model?: string } = {}) {
  const failures: string[] = [];
  const timeouts = { first_byte: 60, idle: 60, total: options.total ?? 60 };
  const both = createFallbackModel([first, second], { timeouts, onError: ({ message }) => failures.push(message) });
  let said = "";
  let model: string | undefined;
  for await (const event of both.stream({ messages: [], tools: [], model: options.model }, never)) {
    if (event.type === "text") said += event.content;
    if (event.type === "finish") model = event.model;
  }
  return { said, model, failures };
}

test.each<[string, Reply, RegExp]>([
  ["a refused key", failure(401, "who are you?"), /first refused the API key \(401\)/],
  ["an unknown model", failure(404, "no such model"), /404 no such model/],
  ["too long a wait", failure(429, "quota", { "retry-after": "3600" }), /429 quota; it asks to wait 3600 s/],
  ["an error of the server, three times", failure(503, "busy"), /503 busy/],
  ["an answer that breaks off before its first word", { steps: [{ reset: true }] }, /broke off|Cannot reach/],
])("[LLM5] after %s the next model is asked", async (_, reply, reason) => {
  await using broken = await startProvider(reply);
  await using good = await startProvider(answer);
  const outcome = await ask(modelAt(broken.baseUrl, "first"), modelAt(good.baseUrl, "second"), { model: "chosen" });
  expect(outcome).toMatchObject({ said: "Hello", model: "second", failures: [expect.stringMatching(reason)] });
  expect(broken.requests.at(-1)?.body.model ?? "chosen").toBe("chosen");
  expect(good.requests.map(({ body }) => body.model)).toEqual(["second"]);
});

test("[LLM5] nobody listens: the next model is asked; when it fails too, both failures are told", async () => {
  const closed = await startProvider(answer);
  await closed[Symbol.asyncDispose]();
  await using broken = await startProvider(failure(401, "no"));
  const asking = ask(modelAt(closed.baseUrl, "first"), modelAt(broken.baseUrl, "second"));
  await expect(asking).rejects.toThrow(
    /^Cannot reach the model provider first \(ECONNREFUSED\).*; The model provider second refused the API key/,
  );
});

test("[LLM5] once something was shown no other model is asked", async () => {
  await using broken = await startProvider({ steps: [text("Hel"), { hang: true }] });
  await using good = await startProvider(answer);
  const first = modelAt(broken.baseUrl, "first", { idle: 0.2 });
  await expect(ask(first, modelAt(good.baseUrl, "second"))).rejects.toThrow(/stopped in the middle of its answer/);
  expect(good.requests).toHaveLength(0);
});

test("[LLM5] [RUN7] each model has its own bounds, and all together the total one", async () => {
  await using silent = await startProvider({ steps: [{ hang: true }] });
  await using good = await startProvider(answer);
  const first = modelAt(silent.baseUrl, "first", { total: 0.2 });
  expect(await ask(first, modelAt(good.baseUrl, "second"))).toMatchObject({ said: "Hello", model: "second" });
  const asking = ask(modelAt(silent.baseUrl, "first"), modelAt(good.baseUrl, "second"), { total: 0.2 });
  await expect(asking).rejects.toThrow(new ModelError("The model took longer than 0.2 s for its answer"));
  expect(good.requests).toHaveLength(1);
});

test("[LLM5] [RUN7] a stop ends all of it, and keeps its reason", async () => {
  await using silent = await startProvider({ steps: [{ hang: true }] });
  await using good = await startProvider(answer);
  const models = [modelAt(silent.baseUrl, "first"), modelAt(good.baseUrl, "second")];
  const timeouts = { first_byte: 60, idle: 60, total: 60 };
  const stop = new AbortController();
  const reason = new Error("the user stopped it");
  setTimeout(() => stop.abort(reason), 100);
  const stream = createFallbackModel(models, { timeouts, onError: () => undefined }).stream(
    { messages: [], tools: [] },
    stop.signal,
  );
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  expect(good.requests).toHaveLength(0);
});
