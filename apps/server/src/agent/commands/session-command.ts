import type { SessionView } from "@my-bot/protocol";
import { codeSpan } from "../code-span.ts";
import type { Command } from "./command.ts";

function costLines(view: SessionView | undefined): string[] {
  if (view === undefined || view.cost === null) return [];
  return [`- cost: ${view.cost.toLocaleString("en", { maximumSignificantDigits: 4 })} ${view.currency}`];
}

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
      `- tokens: ${(view?.usage.input_tokens ?? 0).toLocaleString("en")} in, ${(view?.usage.output_tokens ?? 0).toLocaleString("en")} out`,
      ...costLines(view),
      `- begun: ${new Date((view?.created_at ?? 0) * 1000).toISOString()}`,
    ];
    return { content: `**Session**\n\n${lines.join("\n")}` };
  },
};
