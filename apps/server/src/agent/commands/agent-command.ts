import type { AgentDefinition } from "../../workspace/agent-definition.ts";
import { codeSpan } from "../code-span.ts";
import type { Command } from "./command.ts";

export const agentCommand: Command = {
  name: "agent",
  aliases: [],
  arguments: "[id]",
  description: "lists the agents, or gives this session to another one",
  run: ({ workspace }, { args: [wanted], session }) => {
    const { agents } = workspace();
    if (wanted === undefined) return { content: listAgents([...agents.values()], session.agent_id) };
    const agent = agents.get(wanted);
    if (agent === undefined) return { content: `There is no agent ${codeSpan(wanted)}; \`/agent\` lists them.` };
    const name = `${agent.name} (${codeSpan(agent.agentId)})`;
    if (agent.agentId === session.agent_id) return { content: `${name} already answers in this session.` };
    return {
      content: `${name} answers in this session from now on.`,
      changes: [{ action: "agent_changed", agent_id: agent.agentId }],
    };
  },
};

function listAgents(agents: readonly AgentDefinition[], current: string): string {
  const lines = agents.map(({ agentId, name, description }) => {
    const what = [name, description].filter(Boolean).join(": ");
    return `- ${codeSpan(agentId)}: ${what}${agentId === current ? " (this session's)" : ""}`;
  });
  return `**Agents**\n\n${lines.join("\n")}`;
}
