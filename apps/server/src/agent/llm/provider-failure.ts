import OpenAI from "openai";
import type { ModelConfig } from "../../workspace/config.ts";
import { ModelError } from "../language-model.ts";
import { ModelStall } from "./watchdog.ts";

const LONGEST_WAIT_MS = 60_000; // what a provider may ask for with Retry-After

/** Milliseconds to wait, `otherwiseMs` unless the provider says; undefined: there is no sense in another try. */
export function waitBeforeRetry(cause: unknown, otherwiseMs: number): number | undefined {
  if (!isWorthRetrying(cause)) return undefined;
  const waitMs = retryAfterMs(cause) ?? otherwiseMs;
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

/** The failure as the user is told of it (SPEC RUN8). */
export function toModelError(cause: unknown, config: ModelConfig): ModelError {
  if (cause instanceof ModelError) return cause;
  return new ModelError(redact(explain(cause, config), config.api_key)); // no `cause`: it may hold the key
}

function explain(cause: unknown, { provider, model, api_base }: ModelConfig): string {
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
