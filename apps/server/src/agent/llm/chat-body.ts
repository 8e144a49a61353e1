import type OpenAI from "openai";
import type { ModelMessage, ModelRequest, ModelToolCall } from "../language-model.ts";

/** The part of a request's body that every provider takes. */
export function chatBody({
  messages,
  tools,
}: ModelRequest): Pick<OpenAI.ChatCompletionCreateParams, "messages" | "tools"> {
  return {
    messages: messages.map(toMessage),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => ({
        type: "function" as const,
        function: { ...tool, parameters: { ...tool.parameters } },
      })),
    }),
  };
}

function toMessage(message: ModelMessage): OpenAI.ChatCompletionMessageParam {
  if (message.role !== "assistant") return { ...message };
  const { role, content, tool_calls: calls = [] } = message;
  if (calls.length === 0) return { role, content };
  return { role, content: content || null, tool_calls: calls.map(toFunctionCall) };
}

/** A call without arguments may come without any JSON; sent back like that, some providers refuse it. */
function toFunctionCall({ id, name, arguments: args }: ModelToolCall): OpenAI.ChatCompletionMessageFunctionToolCall {
  return { id, type: "function", function: { name, arguments: args || "{}" } };
}
