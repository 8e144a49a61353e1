import type { Command } from "./command.ts";

export const toolsCommand: Command = {
  name: "tools",
  aliases: [],
  arguments: "",
  description: "lists the tools of this session's agent",
  run: ({ findAgent }, { session }) => {
    const tools = findAgent(session.agent_id)?.tools.tools() ?? [];
    if (tools.length === 0) return { content: "This session's agent has no tools." };
    const lines = tools.map(({ name, description }) => `- \`${name}\`: ${firstSentence(description)}`);
    return { content: `**Tools**\n\n${lines.join("\n")}` };
  },
};

/** The rest of a description is for the model. */
function firstSentence(text: string): string {
  return /^[^\n]*?\.(?=\s|$)/.exec(text)?.[0] ?? text.split("\n", 1)[0] ?? "";
}
