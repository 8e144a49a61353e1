import type { LlmConfig } from "../../workspace/config.ts";

/** Tokens that a model can take, by the beginning of its name; the first that fits. */
const WINDOWS: readonly (readonly [prefix: string, tokens: number])[] = [
  ["gpt-5", 400_000],
  ["gpt-4.1", 1_047_576],
  ["gpt-4o", 128_000],
  ["gpt-4-turbo", 128_000],
  ["gpt-4", 8_192],
  ["gpt-3.5", 16_385],
  ["gpt-oss", 131_072],
  ["o1", 200_000],
  ["o3", 200_000],
  ["o4", 200_000],
  ["claude", 200_000],
  ["gemini", 1_048_576],
  ["deepseek", 128_000],
  ["mistral", 128_000],
  ["llama-3", 128_000],
  ["llama3", 128_000],
  ["qwen", 32_768],
  ["offline", 1_000_000],
];
const UNKNOWN_WINDOW = 32_768;

export interface ContextLimits {
  readonly model: string;
  /** All that the model can take. */
  readonly window: number;
  /** A prompt above this is made smaller first. */
  readonly compactAt: number;
}

/** `threshold`: a share of the window up to 1, else tokens. `chosen` is a session's own model. */
export function contextLimits(llm: LlmConfig, threshold: number, chosen?: string): ContextLimits {
  const model = chosen ?? llm.model;
  const window = (model === llm.model ? llm.context_window : undefined) ?? knownWindow(model);
  const room = window - Math.min(llm.max_tokens, Math.floor(window / 2)); // the answer counts too
  const wanted = threshold <= 1 ? Math.floor(window * threshold) : threshold;
  return { model, window, compactAt: Math.min(wanted, room) };
}

/** Names such as `openai/gpt-4.1` begin with who offers the model. */
function knownWindow(model: string): number {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  return WINDOWS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? UNKNOWN_WINDOW;
}
