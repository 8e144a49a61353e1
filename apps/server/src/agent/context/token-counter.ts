import type { Attachment, Usage } from "@my-bot/protocol";
import { estimateTokenCount } from "tokenx";
import type { ModelMessage, ModelRequest, ModelTool } from "../language-model.ts";

type Prompt = Pick<ModelRequest, "messages" | "tools">;

const MESSAGE_TOKENS = 4; // what surrounds each message
const CALL_TOKENS = 8; // and each tool call
const IMAGE = { pixelsPerToken: 750, most: 1600 }; // by docs.anthropic.com (vision); others are within a factor of two
const FACTOR = { least: 0.5, most: 4 }; // beyond that a provider counts something else, such as only what it had not cached
const MIN_TOKENS = 50; // of a prompt that a factor is learned from

/** Counts tokens by an estimate that the provider's own figures correct, for each model (SPEC CMP3). */
export class TokenCounter {
  readonly #factors = new Map<string, number>(); // by model

  /** Has this model's provider told its own figure yet? */
  isMeasured(model: string): boolean {
    return this.#factors.has(model);
  }

  count(model: string, { messages, tools }: Prompt): number {
    return Math.ceil(estimatePrompt({ messages, tools }) * (this.#factors.get(model) ?? 1));
  }

  /** A prompt was answered, with these figures of the provider. */
  learn(model: string, prompt: Prompt, usage: Usage | null): void {
    const estimate = estimatePrompt(prompt);
    if (usage === null || usage.input_tokens <= 0 || estimate < MIN_TOKENS) return;
    const factor = usage.input_tokens / estimate;
    this.#factors.set(model, Math.min(FACTOR.most, Math.max(FACTOR.least, factor)));
  }
}

function estimatePrompt({ messages, tools }: Prompt): number {
  return sum(messages, estimateMessage) + sum(tools, estimateTool);
}

function estimateMessage(message: ModelMessage): number {
  const calls = message.role === "assistant" ? (message.tool_calls ?? []) : [];
  const callTokens = sum(calls, ({ name, arguments: args }) => CALL_TOKENS + estimateTokenCount(name + args));
  const images = message.role === "user" ? (message.images ?? []) : [];
  return MESSAGE_TOKENS + estimateTokenCount(message.content) + callTokens + sum(images, estimateImage);
}

function estimateImage({ width, height }: Attachment): number {
  return Math.min(IMAGE.most, Math.ceil((width * height) / IMAGE.pixelsPerToken));
}

function estimateTool({ name, description, parameters }: ModelTool): number {
  return CALL_TOKENS + estimateTokenCount(name + description) + estimateTokenCount(JSON.stringify(parameters));
}

function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
