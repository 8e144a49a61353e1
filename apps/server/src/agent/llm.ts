import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import type { LlmConfig } from "../workspace/config.ts";
import { createAnswer } from "./answer.ts";
import {
  type LanguageModel,
  ModelError,
  type ModelEvent,
  type ModelMessage,
  type ModelRequest,
  type ModelToolCall,
} from "./language-model.ts";
import { limitLines } from "./limit-lines.ts";
import { createTotalBound, createWatchdog, ModelStall } from "./watchdog.ts";

const OPENAI_BASE = "https://api.openai.com/v1";
const MAX_TRIES = 3;
const FIRST_WAIT_MS = 250; // before the second try; four times as long before the third
const LONGEST_WAIT_MS = 60_000; // what a provider may ask for with Retry-After
const MAX_LINE_BYTES = 2 * 1024 * 1024; // a whole answer fits in one

/** A model behind any OpenAI-compatible Chat Completions API. Rules: SPEC LLM1, RUN7, RUN8. */
export function createOpenAiModel(config: LlmConfig): LanguageModel {
  // everything is given: what is left out the SDK would take from environment variables
  const client = new OpenAI({
    apiKey: config.api_key ?? "none",
    adminAPIKey: null,
    baseURL: config.api_base ?? OPENAI_BASE,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: config.timeouts.total * 1000,
    logLevel: "off",
    fetch: fetchWithLineLimit,
  });
  return { stream: (request, signal) => streamWithRetries({ client, config }, request, signal) };
}

interface LlmDeps {
  readonly client: OpenAI;
  readonly config: LlmConfig;
}

/** Tries again while nothing was shown; after that once more, with the text begun afresh (SPEC RUN8). */
async function* streamWithRetries(
  deps: LlmDeps,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted();
  using total = createTotalBound(deps.config.timeouts);
  const stop = AbortSignal.any([signal, total.signal]);
  let triesLeft = MAX_TRIES;
  for (;;) {
    let isShown = false;
    try {
      for await (const event of streamOnce(deps, request, stop)) {
        isShown = true;
        yield event;
      }
      return;
    } catch (cause) {
      stop.throwIfAborted(); // the user's reason, or the ModelError of the total bound
      triesLeft -= 1;
      const waitMs = waitBeforeRetry(cause, triesLeft);
      if (waitMs === undefined) throw toModelError(cause, deps.config);
      if (isShown) {
        yield { type: "restart" };
        triesLeft = 1;
      }
      await delay(waitMs, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
    }
  }
}

async function* streamOnce(
  { client, config }: LlmDeps,
  request: ModelRequest,
  stop: AbortSignal,
): AsyncGenerator<ModelEvent> {
  using watchdog = createWatchdog(config.timeouts);
  const signal = AbortSignal.any([stop, watchdog.signal]);
  const answer = createAnswer();
  try {
    const chunks = await client.chat.completions.create(toBody(config, request), { signal });
    for await (const chunk of chunks) {
      const text = answer.add(chunk);
      if (text !== "") yield { type: "text", content: text };
      if (answer.isFull) break;
      watchdog.onChunk(answer.isComplete);
    }
    signal.throwIfAborted(); // the SDK ends an aborted stream as if it were complete
  } catch (cause) {
    const reason = signal.aborted ? signal.reason : cause;
    // a provider that breaks off after its last word loses only the usage
    if (!answer.isComplete || (signal.aborted && !(reason instanceof ModelError))) throw reason;
  }
  yield* answer.finish();
}

function toBody(
  config: LlmConfig,
  { messages, tools, model = config.model }: ModelRequest,
): OpenAI.ChatCompletionCreateParamsStreaming {
  return {
    model,
    messages: messages.map(toMessage),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => ({
        type: "function" as const,
        function: { ...tool, parameters: { ...tool.parameters } },
      })),
    }),
    temperature: config.temperature,
    // OpenAI's newer models refuse the old name, many other providers do not know the new one
    ...(config.api_base ? { max_tokens: config.max_tokens } : { max_completion_tokens: config.max_tokens }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function toMessage(message: ModelMessage): OpenAI.ChatCompletionMessageParam {
  if (message.role !== "assistant") return { ...message };
  const { role, content, tool_calls: calls = [] } = message;
  if (calls.length === 0) return { role, content };
  return { role, content: content || null, tool_calls: calls.map(toFunctionCall) };
}

function toFunctionCall({ id, name, arguments: args }: ModelToolCall): OpenAI.ChatCompletionMessageFunctionToolCall {
  return { id, type: "function", function: { name, arguments: args } };
}

/** Milliseconds; undefined: there is no sense in another try. */
function waitBeforeRetry(cause: unknown, triesLeft: number): number | undefined {
  if (triesLeft === 0 || !isWorthRetrying(cause)) return undefined;
  const waitMs = retryAfterMs(cause) ?? FIRST_WAIT_MS * 4 ** (MAX_TRIES - 1 - triesLeft);
  return waitMs > LONGEST_WAIT_MS ? undefined : waitMs;
}

function isWorthRetrying(cause: unknown): boolean {
  if (cause instanceof ModelStall) return false; // the user has waited long enough
  if (!(cause instanceof OpenAI.APIError) || cause.status === undefined) return true;
  return [408, 409, 429].includes(cause.status) || cause.status >= 500;
}

function retryAfterMs(cause: unknown): number | undefined {
  const header = cause instanceof OpenAI.APIError ? cause.headers?.get("retry-after") : undefined;
  if (!header) return undefined;
  const waitMs = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

function toModelError(cause: unknown, config: LlmConfig): ModelError {
  if (cause instanceof ModelError) return cause;
  return new ModelError(redact(explain(cause, config), config.api_key)); // no `cause`: it may hold the key
}

function explain(cause: unknown, { provider, model, api_base }: LlmConfig): string {
  if (cause instanceof OpenAI.APIConnectionError) {
    return `Cannot reach the model provider ${provider}${codeOf(cause)}: check the network${api_base ? " and llm.api_base" : ""}`;
  }
  if (!(cause instanceof OpenAI.APIError))
    return `The model provider ${provider} broke off its answer: ${problemOf(cause)}`;
  const { status, message } = cause;
  if (status === undefined) return `The model provider ${provider} reported an error: ${message}`;
  if (status === 401 || status === 403)
    return `The model provider ${provider} refused the API key (${status}): check llm.api_key`;
  const waitMs = retryAfterMs(cause) ?? 0;
  const wait = waitMs > LONGEST_WAIT_MS ? `; it asks to wait ${Math.ceil(waitMs / 1000)} s` : "";
  const hint = status === 404 ? `; check llm.model (${model}) and llm.api_base` : "";
  return `The model provider ${provider} answered ${message}${wait}${hint}`;
}

function problemOf(cause: unknown): string {
  return cause instanceof SyntaxError ? "it sent broken JSON" : `the connection was lost${codeOf(cause)}`;
}

/** ` (ECONNREFUSED)` when the system said why, from however deep. */
function codeOf(cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ("code" in error && typeof error.code === "string") return ` (${error.code})`;
  }
  return "";
}

/** One line, without the key or what looks like a part of one: providers like to repeat it. */
function redact(message: string, apiKey: string | undefined): string {
  const clean = apiKey ? message.replaceAll(apiKey, "[key]") : message;
  return clean
    .replace(/\bsk-[\w*.-]{4,}/g, "[key]")
    .replace(/\s+/g, " ")
    .slice(0, 400);
}

/** The SDK would gather a line that never ends in memory. */
async function fetchWithLineLimit(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const tooLong = (): Error => new ModelError("The model provider sent a line that does not end");
  return limitLines(await fetch(url, init), { maxBytes: MAX_LINE_BYTES, tooLong });
}
