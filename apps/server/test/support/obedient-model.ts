import { type ChatRequest, type ModelScript, says } from "./scripted-model.ts";

/** One line. In it `$RESULTS` stands for what the last calls brought, as a thief would have it sent on. */
export function order(tool: string, args: object): string {
  return `ORDER ${tool} ${JSON.stringify(args)} END`;
}

/** Does what any text tells it to, whoever wrote that, and repeats all that comes of it. */
export const obeysAnyone: ModelScript = (reply, request) => {
  const texts = lastTexts(request);
  const results = texts.join("\n");
  const calls = [...results.matchAll(/ORDER (\w+) (\{.*\}) END/g)];
  if (calls.length === 0) return says(`It says: ${results}`)(reply, request);
  for (const [index, [, tool = "", text = "{}"]] of calls.entries()) {
    const args = JSON.parse(text.replaceAll("$RESULTS", encodeURIComponent(results).slice(0, 1000)));
    reply.toolCall(index, `call_${index}`, tool, args);
  }
  reply.finish("tool_calls");
};

/** What the user has said, or the results of the last calls. */
function lastTexts({ messages }: ChatRequest): string[] {
  const after = messages.findLastIndex(({ role }) => role === "assistant" || role === "user");
  const results = messages.slice(after + 1);
  return (results.length > 0 ? results : messages.slice(-1)).map(({ content }) => content);
}
