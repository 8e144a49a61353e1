import type { ModelConfig } from "../../workspace/config.ts";
import { type LanguageModel, ModelError, type ModelEvent, type ModelRequest } from "../language-model.ts";
import { createTotalBound } from "./watchdog.ts";

export interface FallbackDeps {
  /** `total` bounds all of them together. */
  readonly timeouts: ModelConfig["timeouts"];
  /** Why another one is asked, for the log. */
  readonly onError: (error: ModelError) => void;
}

/** The first of `models` that begins to answer (SPEC LLM5). A model that was chosen for the session is one of the first's. */
export function createFallbackModel(models: readonly LanguageModel[], deps: FallbackDeps): LanguageModel {
  return { stream: (request, signal) => streamFirst(models, deps, { request, signal }) };
}

async function* streamFirst(
  models: readonly LanguageModel[],
  { timeouts, onError }: FallbackDeps,
  { request, signal }: { request: ModelRequest; signal: AbortSignal },
): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted();
  using total = createTotalBound(timeouts);
  const stop = AbortSignal.any([signal, total.signal]);
  const failures: string[] = [];
  for (const [index, model] of models.entries()) {
    let isShown = false;
    try {
      for await (const event of model.stream(index === 0 ? request : { ...request, model: undefined }, stop)) {
        isShown = true;
        yield event;
      }
      return;
    } catch (cause) {
      stop.throwIfAborted();
      if (isShown || !(cause instanceof ModelError)) throw cause;
      failures.push(cause.message);
      onError(cause);
    }
  }
  throw new ModelError(failures.join("; "));
}
