import type { AnswerChunk } from "./answer.ts";

/** What a chunk adds to the model's thoughts. Providers that send it under both names send the same twice. */
export function reasoningText({ choices }: AnswerChunk): string {
  const { reasoning_content: content, reasoning } = choices?.[0]?.delta ?? {};
  for (const text of [content, reasoning]) if (typeof text === "string" && text !== "") return text;
  return "";
}
