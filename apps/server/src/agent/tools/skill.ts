import * as z from "zod";
import type { SkillDefinition } from "../../workspace/agent-definition.ts";
import type { Tool } from "./tool.ts";

const MAX_LIST_CHARS = 16_000;

const Input = z.object({ skill_name: z.string().min(1).max(100).describe("id or name of the skill") });

/** Lets the model read the instructions of a skill when a task calls for it (SPEC TOOL1). */
export function createSkillTool(skills: ReadonlyMap<string, SkillDefinition>) {
  return {
    name: "skill",
    description: `Loads the instructions of a skill. Available skills:\n${listSkills(skills, MAX_LIST_CHARS)}`,
    input: Input,
    isReadOnly: true,
    approval: "allow",
    run: async ({ skill_name }) => {
      const skill = findSkill(skills, skill_name);
      if (skill) return { content: skill.body, is_error: false };
      const ids = cut([...skills.keys()], 2000).join(", ");
      return { content: `There is no skill "${skill_name}". Skills: ${ids || "none"}`, is_error: true };
    },
  } satisfies Tool<typeof Input>;
}

function findSkill(skills: ReadonlyMap<string, SkillDefinition>, wanted: string): SkillDefinition | undefined {
  const name = wanted.trim().toLowerCase();
  return (
    skills.get(wanted) ?? [...skills.values()].find((s) => [s.skillId, s.name].some((n) => n.toLowerCase() === name))
  );
}

/** A line for each, as many as fit. */
export function listSkills(skills: ReadonlyMap<string, SkillDefinition>, maxChars: number): string {
  const lines = [...skills.values()].map(
    ({ skillId, description }) => `- ${skillId}: ${description.replace(/\s+/g, " ")}`,
  );
  return cut(lines, maxChars).join("\n") || "(none)";
}

/** As many as fit; every request carries this list. */
function cut(lines: readonly string[], maxChars: number): string[] {
  let room = maxChars;
  const kept = lines.filter((line) => {
    room -= line.length + 1;
    return room >= 0;
  });
  return kept.length < lines.length ? [...kept, `(and ${lines.length - kept.length} more)`] : kept;
}
