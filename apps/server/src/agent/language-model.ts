import type { Attachment, Usage } from "@my-bot/protocol";

export interface ModelToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string; // JSON as the model wrote it: may be broken
}

/** A conversation in the shape of Chat Completions, without its provider's extras. */
export type ModelMessage =
  | { readonly role: "system"; readonly content: string }
  | { readonly role: "user"; readonly content: string; readonly images?: readonly Attachment[] | undefined }
  | { readonly role: "assistant"; readonly content: string; readonly tool_calls?: readonly ModelToolCall[] }
  | { readonly role: "tool"; readonly content: string; readonly tool_call_id: string };

export interface ModelTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>; // JSON Schema
}

export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
  /** Another model of the same provider than the configured one. */
  readonly model?: string | undefined;
}

export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter" | "other";

/** What a turn streams: any number of thoughts and texts, then tool calls, then exactly one finish. After a restart it begins anew. */
export type ModelEvent =
  | { readonly type: "text"; readonly content: string }
  | { readonly type: "reasoning"; readonly content: string } // only shown: no part of the answer
  | { readonly type: "restart" } // the provider broke off: the texts before are void
  | { readonly type: "tool_call"; readonly call: ModelToolCall }
  | ModelFinish;

export interface ModelFinish {
  readonly type: "finish";
  readonly reason: FinishReason;
  readonly usage: Usage | null;
  /** Which one answered. */
  readonly model: string;
  /** Null without usage or prices. */
  readonly cost: Cost | null;
}

export interface Cost {
  readonly amount: number;
  readonly currency: string; // such as USD
}

/** One turn that failed. The message is shown to the user: no keys, no stack. */
export class ModelError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ModelError";
  }
}

export interface LanguageModel {
  /** Throws ModelError when the provider fails, stalls or breaks off; rethrows the reason when `signal` aborts. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}
