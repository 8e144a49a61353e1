import type OpenAI from "openai";
import type { ModelMessage, ModelRequest, ModelToolCall } from "../language-model.ts";
import { chooseImages, questionParts, type ReadImage } from "./image-parts.ts";

type ChatBody = Pick<OpenAI.ChatCompletionCreateParams, "messages" | "tools">;

/** The part of a request's body that every provider takes. Without `readImage` the model takes no images. */
export function chatBody({ messages, tools }: ModelRequest, readImage: ReadImage | undefined): ChatBody {
  const images = { shown: chooseImages(readImage ? messages : []), readImage: readImage ?? (() => undefined) };
  return {
    messages: messages.map((message) => toMessage(message, images)),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => ({
        type: "function" as const,
        function: { ...tool, parameters: { ...tool.parameters } },
      })),
    }),
  };
}

function toMessage(
  message: ModelMessage,
  images: Parameters<typeof questionParts>[2],
): OpenAI.ChatCompletionMessageParam {
  if (message.role === "user") {
    return { role: message.role, content: questionParts(message.content, message.images ?? [], images) };
  }
  if (message.role !== "assistant") return { ...message };
  const { role, content, tool_calls: calls = [] } = message;
  if (calls.length === 0) return { role, content };
  return { role, content: content || null, tool_calls: calls.map(toFunctionCall) };
}

/** A call without arguments may come without any JSON; sent back like that, some providers refuse it. */
function toFunctionCall({ id, name, arguments: args }: ModelToolCall): OpenAI.ChatCompletionMessageFunctionToolCall {
  return { id, type: "function", function: { name, arguments: args || "{}" } };
}
