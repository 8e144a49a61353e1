import type { AgentDefinition } from "../workspace/agent-definition.ts";
import type { Workspace } from "../workspace/open-workspace.ts";
import { listSkills } from "./tools/skill.ts";

const MAX_SKILL_CHARS = 8_000;

/**
 * What the model is told before every conversation: the agent's own text, the workspace's, then the skills it may load. It
 * is the same for all runs, so that a provider can keep it; what differs comes after it (SPEC PROMPT1, PROMPT3).
 */
export function buildSystemPrompt(agent: AgentDefinition, workspace: Workspace): string {
  const files = [...workspace.promptFiles].map(([name, text]) => `## ${name}\n\n${text}`);
  const own = expandTemplate([agent.systemPrompt, ...files].filter(Boolean).join("\n\n"), variables(agent, workspace));
  if (!agent.allowSkills || workspace.skills.size === 0) return own;
  const skills = listSkills(workspace.skills, MAX_SKILL_CHARS);
  return `${own}\n\n## Skills\n\nLoad one with the \`skill\` tool when it fits the task:\n\n${skills}`.trim();
}

type Variables = Readonly<Record<string, string>>;

/** Paths other than `workspace` are relative to it, as tools take them. */
function variables({ agentId, name }: AgentDefinition, { dir, config }: Workspace): Variables {
  const { agents_path, skills_path, crons_path, default_agent } = config;
  return { workspace: dir, agents_path, skills_path, crons_path, default_agent, agent_id: agentId, agent_name: name };
}

/** `{{name}}` becomes its value; what is not a variable stays as it is. */
function expandTemplate(text: string, values: Variables): string {
  return text.replace(/\{\{\s*([a-z_]+)\s*\}\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
  );
}
