import { type ChatRequest, type ModelReply, type ScriptedModel, startScriptedModel } from "./scripted-model.ts";

export interface StrictModelOptions {
  /** Tokens that it takes; more are refused, as providers do. */
  readonly window: number;
  readonly count: (text: string) => number;
  /** Answers a request that is in order. */
  readonly answer: (reply: ModelReply, request: ChatRequest, tokens: number) => void | Promise<void>;
}

export interface StrictModel extends ScriptedModel {
  /** What was wrong with requests. */
  readonly faults: readonly string[];
}

/** Like a provider, it counts tokens, and refuses prompts that are too long and tool calls that are not paired. */
export async function startStrictModel({ window, count, answer }: StrictModelOptions): Promise<StrictModel> {
  const faults: string[] = [];
  const model = await startScriptedModel(async (reply, request) => {
    const tokens = countRequest(request, count);
    const fault = findOrphan(request) ?? (tokens > window ? `${tokens} tokens of ${window}` : undefined);
    if (fault === undefined) return answer(reply, request, tokens);
    faults.push(fault);
    reply.fail(400, fault);
  });
  return {
    llm: { ...model.llm, context_window: window },
    requests: model.requests,
    faults,
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}

/** Is it a request for a summary rather than for an answer? */
export function asksForSummary({ messages }: ChatRequest): boolean {
  return messages[0]?.content.startsWith("You write the summary") === true;
}

export function textOf({ messages }: ChatRequest): string {
  return messages.map(({ content }) => content).join("\n");
}

function countRequest({ messages, tools = [] }: ChatRequest, count: (text: string) => number): number {
  const texts = [
    ...messages.flatMap(({ content, tool_calls: calls = [] }) => [content ?? "", ...calls.map(callText)]),
    ...tools.map((tool) => JSON.stringify(tool.function)),
  ];
  return texts.reduce((sum, text) => sum + 3 + count(text), 0);
}

function callText(call: object): string {
  return JSON.stringify(call);
}

/** Each tool message answers a call of the assistant message before it, and each call has its answer. */
function findOrphan({ messages }: ChatRequest): string | undefined {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id ?? "")) return `message ${index}: a result without its call`;
      continue;
    }
    if (open.size > 0) return `message ${index}: a call without its result`;
    open = new Set(message.tool_calls?.map(({ id }) => id));
  }
  return open.size > 0 ? "a call without its result at the end" : undefined;
}
