import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import type { ModelConfig } from "../../workspace/config.ts";
import { type LanguageModel, ModelError, type ModelEvent, type ModelRequest } from "../language-model.ts";
import { takesImages } from "../takes-images.ts";
import { type Answer, createAnswer } from "./answer.ts";
import { chatBody } from "./chat-body.ts";
import { costOf } from "./cost-of.ts";
import type { ReadImage } from "./image-parts.ts";
import { toModelError, waitBeforeRetry } from "./provider-failure.ts";
import { fetchFromProvider } from "./provider-fetch.ts";
import { reasoningText } from "./reasoning-text.ts";
import { RequestDialect } from "./request-dialect.ts";
import { createTotalBound, createWatchdog } from "./watchdog.ts";

const OPENAI_BASE = "https://api.openai.com/v1";
const MAX_TRIES = 3;
const FIRST_WAIT_MS = 250; // before the second try; four times as long before the third

/** A model behind any OpenAI-compatible Chat Completions API. Rules: SPEC LLM1 to LLM3, RUN7, RUN8. */
export function createOpenAiModel(config: ModelConfig, readImage: ReadImage): LanguageModel {
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
    fetch: fetchFromProvider,
  });
  const deps = { client, config, readImage, dialect: new RequestDialect(config) };
  return { stream: (request, signal) => streamWithRetries(deps, request, signal) };
}

interface LlmDeps {
  readonly client: OpenAI;
  readonly config: ModelConfig;
  readonly readImage: ReadImage;
  readonly dialect: RequestDialect;
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
      if (deps.dialect.learn(request.model ?? deps.config.model, cause)) continue; // not a try: the next request is another one
      triesLeft -= 1;
      const waitMs = waitAfter(cause, triesLeft);
      if (waitMs === undefined) throw toModelError(cause, deps.config);
      if (isShown) {
        yield { type: "restart" };
        triesLeft = 1;
      }
      await delay(waitMs, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
    }
  }
}

/** Milliseconds; undefined: there is no sense in another try. */
function waitAfter(cause: unknown, triesLeft: number): number | undefined {
  return triesLeft === 0 ? undefined : waitBeforeRetry(cause, FIRST_WAIT_MS * 4 ** (MAX_TRIES - 1 - triesLeft));
}

async function* streamOnce(
  { client, config, readImage, dialect }: LlmDeps,
  request: ModelRequest,
  stop: AbortSignal,
): AsyncGenerator<ModelEvent> {
  using watchdog = createWatchdog(config.timeouts);
  const signal = AbortSignal.any([stop, watchdog.signal]);
  const answer = createAnswer();
  const { model = config.model } = request;
  const images = takesImages(config, model) ? readImage : undefined;
  const body = { model, ...chatBody(request, images), ...dialect.parametersFor(model), stream: true as const };
  try {
    const chunks = await client.chat.completions.create(body, { signal });
    for await (const chunk of chunks) {
      const reasoning = reasoningText(chunk);
      if (reasoning !== "") yield { type: "reasoning", content: reasoning };
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
  yield* withCost(answer, model, config);
}

function* withCost(answer: Answer, model: string, config: ModelConfig): Generator<ModelEvent> {
  const prices = model === config.model ? config.prices : undefined; // they are those of the configured one
  for (const event of answer.finish()) {
    yield event.type === "finish" ? { ...event, model, cost: costOf(event.usage, prices) } : event;
  }
}
