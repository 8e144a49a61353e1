import * as z from "zod";
import type { SkillDefinition } from "./agent-definition.ts";
import type { Config } from "./config.ts";
import { definitionName, parseFields } from "./definition-fields.ts";
import { parseFrontMatter } from "./front-matter.ts";
import { type Loaded, loadDefinitions, parseInside } from "./load-definitions.ts";

const SkillFields = z.object({
  name: definitionName,
  description: z.string().trim().min(1).max(1000),
});

/** Every `<skills_path>/<id>/SKILL.md` (SPEC WSP1, WSP2). */
export function loadSkills(workspaceDir: string, config: Config): Promise<Loaded<SkillDefinition>> {
  return loadDefinitions(workspaceDir, config.skills_path, async (skillId) => {
    const file = `${config.skills_path}/${skillId}/SKILL.md`;
    const matter = await parseInside(workspaceDir, file, parseFrontMatter);
    return { skillId, ...parseFields(SkillFields, matter, file), body: matter.body };
  });
}
