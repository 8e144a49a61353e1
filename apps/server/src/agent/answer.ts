import { randomUUID } from "node:crypto";
import { type FinishReason, ModelError, type ModelEvent, type ModelToolCall } from "./language-model.ts";

const MAX_CHARS = 1024 * 1024;

/** A streamed piece of an answer, as providers really send it: nearly everything may be absent. */
export interface AnswerChunk {
  readonly choices?:
    | readonly {
        readonly delta?: {
          readonly content?: string | null;
          readonly tool_calls?: readonly ToolCallPiece[] | null;
        } | null;
        readonly finish_reason?: string | null;
      }[]
    | null;
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

interface ToolCallPiece {
  readonly index?: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null;
}

/** Puts the chunks of one answer together. */
export interface Answer {
  /** The provider said that it is done; only the usage may still come. */
  readonly isComplete: boolean;
  /** 1 MiB of text was taken; the rest is not wanted. */
  readonly isFull: boolean;
  /** Takes a chunk and returns the text that it adds. Throws ModelError when tool calls grow without end. */
  add(chunk: AnswerChunk): string;
  /** The tool calls and the finish. Throws ModelError when the answer is not complete. */
  finish(): ModelEvent[];
}

type Call = { -readonly [Key in keyof ModelToolCall]: ModelToolCall[Key] } & { readonly index: number };

export function createAnswer(): Answer {
  const calls: Call[] = [];
  let textChars = 0;
  let callChars = 0;
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
      finishReason = choice?.finish_reason ?? finishReason;
      for (const piece of choice?.delta?.tool_calls ?? []) {
        callChars += addPiece(calls, piece);
        if (callChars > MAX_CHARS) throw new ModelError("The model wrote a tool call without end");
      }
      const text = (choice?.delta?.content ?? "").slice(0, MAX_CHARS - textChars);
      textChars += text.length;
      return text;
    },
    finish: () => {
      const isFull = textChars >= MAX_CHARS;
      if (finishReason === undefined && !isFull) throw new ModelError("The model provider broke off its answer");
      return [
        ...withOwnIds(calls).map((call) => ({ type: "tool_call" as const, call })),
        { type: "finish", reason: isFull ? "length" : toFinishReason(finishReason), usage: toUsage(usage) },
      ];
    },
  };
}

/** Pieces of one call share its index. Some providers give every call index 0 and tell them apart by id only. */
function addPiece(calls: Call[], piece: ToolCallPiece): number {
  const index = piece.index ?? 0;
  const open = calls.findLast((call) => call.index === index);
  const isNew = open === undefined || (Boolean(piece.id) && piece.id !== open.id);
  const call = isNew ? { index, id: piece.id || newId(), name: "", arguments: "" } : open;
  if (isNew) calls.push(call);
  call.name += piece.function?.name ?? "";
  call.arguments += piece.function?.arguments ?? "";
  return (piece.function?.name?.length ?? 0) + (piece.function?.arguments?.length ?? 0) + 1;
}

/** A second call of one id gets another, else its result could not be told from the first one's. */
function withOwnIds(calls: readonly Call[]): ModelToolCall[] {
  const taken = new Set<string>();
  return calls.map(({ id, name, arguments: args }) => {
    const own = taken.has(id) ? newId() : id;
    taken.add(own);
    return { id: own, name, arguments: args };
  });
}

function newId(): string {
  return `call_${randomUUID()}`;
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

function toUsage(usage: AnswerChunk["usage"]): { input_tokens: number; output_tokens: number } | null {
  return usage ? { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens } : null;
}
