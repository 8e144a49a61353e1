import { expect } from "vitest";
import { ModelError, type ModelEvent, type ModelRequest } from "../../src/agent/language-model.ts";
import { createOpenAiModel } from "../../src/agent/llm/openai-model.ts";
import { LlmConfig } from "../../src/workspace/config.ts";
import { done, finish, type Provider, type Reply, text } from "../llm-provider.ts";

export const key = "sk-planted-0123456789";
export const request: ModelRequest = { messages: [{ role: "user", content: "Hi" }], tools: [] };
export const unpriced = { model: "m", cost: null };
export const never = new AbortController().signal;
export const noImages = () => undefined;
export const good: Reply = { steps: [text("Hello"), finish("stop"), done] };

export function modelOf(baseUrl: string, timeouts: Partial<LlmConfig["timeouts"]> = {}) {
  return createOpenAiModel(LlmConfig.parse({ model: "m", api_key: key, api_base: baseUrl, timeouts }), noImages);
}

export interface Outcome {
  readonly events: readonly ModelEvent[];
  /** What was said since the last restart. */
  readonly text: string;
  readonly error: unknown;
  readonly ms: number;
}

export async function ask(
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
export function messageOf({ error }: Outcome): string {
  if (!(error instanceof ModelError)) throw new Error(`no ModelError: ${String(error)}`);
  expect(error.message).not.toMatch(/\n|planted/);
  expect(error.cause).toBeUndefined();
  return error.message;
}
