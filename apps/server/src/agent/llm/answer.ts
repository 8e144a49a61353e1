import type { Usage } from "@my-bot/protocol";
import { type FinishReason, ModelError, type ModelEvent, type ModelFinish } from "../language-model.ts";
import { CallAssembly, type CallPiece } from "./call-assembly.ts";

const MAX_CHARS = 1024 * 1024;

/** A streamed piece of an answer, as providers really send it: nearly everything may be absent. */
export interface AnswerChunk {
  readonly choices?:
    | readonly {
        readonly delta?: {
          readonly content?: Content;
          readonly reasoning_content?: unknown;
          readonly reasoning?: unknown;
          readonly tool_calls?: readonly CallPiece[] | null;
        } | null;
        readonly finish_reason?: string | null;
      }[]
    | null;
  readonly usage?: ReportedUsage | null;
}

type Content = string | readonly { readonly text?: string | null }[] | null;

interface ReportedUsage {
  readonly prompt_tokens?: number | null;
  readonly completion_tokens?: number | null;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null;
}

export type AnswerFinish = Pick<ModelFinish, "type" | "reason" | "usage">;

/** Puts the chunks of one answer together. */
export interface Answer {
  /** The provider said that it is done; only the usage may still come. */
  readonly isComplete: boolean;
  /** 1 MiB of text was taken; the rest is not wanted. */
  readonly isFull: boolean;
  /** Takes a chunk and returns the text that it adds. Throws ModelError when tool calls grow without end. */
  add(chunk: AnswerChunk): string;
  /** The tool calls and the finish. Throws ModelError when the answer is not complete. */
  finish(): (Extract<ModelEvent, { type: "tool_call" }> | AnswerFinish)[];
}

export function createAnswer(): Answer {
  const calls = new CallAssembly();
  let textChars = 0;
  let finishReason: string | undefined;
  let usage: AnswerChunk["usage"];

  return {
    get isComplete() {
      return finishReason !== undefined;
    },
    get isFull() {
      return textChars >= MAX_CHARS;
    },
    add: (chunk) => {
      usage = chunk.usage ?? usage;
      const choice = chunk.choices?.[0];
      finishReason = choice?.finish_reason || finishReason; // some send "" until they are done
      for (const piece of choice?.delta?.tool_calls ?? []) calls.add(piece);
      if (calls.chars > MAX_CHARS) throw new ModelError("The model wrote a tool call without end");
      const text = contentText(choice?.delta?.content).slice(0, MAX_CHARS - textChars);
      textChars += text.length;
      return text;
    },
    finish: () => {
      const isFull = textChars >= MAX_CHARS;
      if (finishReason === undefined && !isFull) throw new ModelError("The model provider broke off its answer");
      return [
        ...calls.finished().map((call) => ({ type: "tool_call" as const, call })),
        { type: "finish", reason: isFull ? "length" : toFinishReason(finishReason), usage: toUsage(usage) },
      ];
    },
  };
}

/** Some providers send a list of parts, of which only texts have a `text`. */
function contentText(content: Content | undefined): string {
  if (typeof content === "string") return content;
  return content?.map((part) => part.text ?? "").join("") ?? "";
}

function toFinishReason(reason: string | undefined): FinishReason {
  switch (reason) {
    case "stop":
    case "tool_calls":
    case "length":
    case "content_filter":
      return reason;
    case "function_call":
      return "tool_calls";
    default:
      return "other";
  }
}

function toUsage(usage: ReportedUsage | null | undefined): Usage | null {
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details } = usage ?? {};
  if (!isCount(input) || !isCount(output)) return null;
  const cached = details?.cached_tokens;
  return {
    input_tokens: input,
    output_tokens: output,
    ...(isCount(cached) && { cached_input_tokens: Math.min(cached, input) }),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
