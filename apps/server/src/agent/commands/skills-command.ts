import type { SkillDefinition } from "../../workspace/agent-definition.ts";
import { codeSpan } from "../code-span.ts";
import type { Command } from "./command.ts";

export const skillsCommand: Command = {
  name: "skills",
  aliases: [],
  arguments: "[id]",
  description: "lists the skills, or shows one",
  run: ({ workspace }, { args: [wanted] }) => {
    const { skills, config } = workspace();
    if (wanted === undefined) return { content: listSkills([...skills.values()], config.skills_path) };
    const skill = skills.get(wanted);
    if (skill === undefined) return { content: `There is no skill ${codeSpan(wanted)}; \`/skills\` lists them.` };
    return { content: `**${skill.name}** (${codeSpan(skill.skillId)}): ${skill.description}\n\n${skill.body}`.trim() };
  },
};

function listSkills(skills: readonly SkillDefinition[], path: string): string {
  if (skills.length === 0) return `There are no skills yet; each is a file \`${path}/<id>/SKILL.md\` of the workspace.`;
  return `**Skills**\n\n${skills.map(({ skillId, description }) => `- ${codeSpan(skillId)}: ${description}`).join("\n")}`;
}
