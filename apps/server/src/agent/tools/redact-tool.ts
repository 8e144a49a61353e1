import type { Redactor } from "../redact.ts";
import type { Tool } from "./tool.ts";

/** Takes secrets out of what a tool shows and returns, and so out of what the model gets to see (SPEC TOOL13). */
export function redactTool(tool: Tool, redactor: Redactor): Tool {
  const { preview } = tool;
  return {
    ...tool,
    ...(preview && {
      preview: async (input) => {
        const text = await preview(input);
        return text === undefined ? undefined : redactor.redact(text);
      },
    }),
    run: async (input, signal, context) => {
      const live = redactor.stream();
      const { onOutput } = context;
      const shown = onOutput && { onOutput: (text: string) => onOutput(live.add(text)) };
      const { content, ...result } = await tool.run(input, signal, { ...context, ...shown });
      onOutput?.(live.end());
      return { ...result, content: redactor.redact(content) };
    },
  };
}
