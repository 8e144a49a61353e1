import type { AgentDefinition, SkillDefinition } from "../workspace/agent-definition.ts";

/** What the model is told before the conversation: the agent's own text, then the skills it may load. */
export function buildSystemPrompt(agent: AgentDefinition, skills: Iterable<SkillDefinition>): string {
  const listed = agent.allowSkills ? [...skills] : [];
  if (listed.length === 0) return agent.systemPrompt;
  const lines = listed.map(({ skillId, description }) => `- ${skillId}: ${description}`);
  return `${agent.systemPrompt}\n\n## Skills\n\nLoad one with the \`skill\` tool when it fits the task:\n\n${lines.join("\n")}`;
}
