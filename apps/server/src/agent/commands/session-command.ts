import { codeSpan } from "../code-span.ts";
import type { Command } from "./command.ts";

export const sessionCommand: Command = {
  name: "session",
  aliases: [],
  arguments: "",
  description: "tells what this session is",
  run: ({ sessions, findAgent }, { session }) => {
    const view = sessions.get(session.session_id);
    const definition = findAgent(session.agent_id)?.definition;
    const model = session.model ?? definition?.llm.model;
    const lines = [
      `- id: ${codeSpan(session.session_id)}`,
      `- title: ${view?.title ?? "(none)"}`,
      `- source: ${codeSpan(session.source)}`,
      `- agent: ${definition?.name ?? "(removed)"} (${codeSpan(session.agent_id)})`,
      `- model: ${model === undefined ? "(none)" : codeSpan(model)}`,
      `- messages: ${view?.message_count ?? 0}`,
      `- begun: ${new Date((view?.created_at ?? 0) * 1000).toISOString()}`,
    ];
    return { content: `**Session**\n\n${lines.join("\n")}` };
  },
};
