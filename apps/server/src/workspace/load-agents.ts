import * as z from "zod";
import type { AgentDefinition } from "./agent-definition.ts";
import { boundText } from "./bound-text.ts";
import { findLlmProblem } from "./check-config.ts";
import { type Config, LlmConfig } from "./config.ts";
import { definitionName, parseFields } from "./definition-fields.ts";
import { parseFrontMatter } from "./front-matter.ts";
import { DefinitionError, type Loaded, loadDefinitions, parseInside } from "./load-definitions.ts";
import { type Mapping, mergeDeep } from "./merge.ts";

const MAX_BODY_CHARS = 32_000;
const MAX_SOUL_CHARS = 8_000;

const AgentFields = z.object({
  name: definitionName,
  description: z.string().trim().max(1000).default(""),
  llm: z.record(z.string(), z.unknown()).default({}),
  allow_skills: z.boolean().default(false),
  allow_bash: z.boolean().default(true), // where tools.bash.approval allows it at all
  max_concurrency: z.int().min(1).max(1000).default(8),
});

/** Every `<agents_path>/<id>/AGENT.md` with the SOUL.md beside it (SPEC WSP1, WSP2). */
export function loadAgents(workspaceDir: string, config: Config): Promise<Loaded<AgentDefinition>> {
  return loadDefinitions(workspaceDir, config.agents_path, (id) => loadAgent(workspaceDir, config, id));
}

async function loadAgent(workspaceDir: string, config: Config, agentId: string): Promise<AgentDefinition> {
  const file = `${config.agents_path}/${agentId}/AGENT.md`;
  const matter = await parseInside(workspaceDir, file, parseFrontMatter);
  const fields = parseFields(AgentFields, matter, file);
  const soul = await readSoul(workspaceDir, `${config.agents_path}/${agentId}/SOUL.md`);
  return {
    agentId,
    name: fields.name,
    description: fields.description,
    systemPrompt: joinLayers(matter.body, soul),
    allowSkills: fields.allow_skills,
    allowBash: fields.allow_bash,
    maxConcurrency: fields.max_concurrency,
    llm: overrideLlm(config.llm, fields.llm, { file, line: matter.lineOf(["llm"]) }),
  };
}

function joinLayers(body: string, soul: string): string {
  const own = boundText(body, MAX_BODY_CHARS, "AGENT.md");
  return soul === "" ? own : `${own}\n\n## Personality\n\n${boundText(soul, MAX_SOUL_CHARS, "SOUL.md")}`.trim();
}

async function readSoul(workspaceDir: string, file: string): Promise<string> {
  return parseInside(workspaceDir, file, (text) => text.trim()).catch((cause: unknown) => {
    if (cause instanceof DefinitionError && cause.message === "not found") return "";
    throw cause;
  });
}

/** While the workspace is offline no agent goes online. A new address does not get the key of the old one, another model not its prices. */
function overrideLlm(
  base: LlmConfig,
  overrides: Mapping,
  place: { file: string; line: number | undefined },
): LlmConfig {
  if (base.provider === "offline") return base;
  const { prices: _, ...withoutPrices } = base;
  const { api_key: __, ...withoutKey } = withoutPrices;
  const isElsewhere = "api_base" in overrides || "provider" in overrides;
  const sameProvider = "model" in overrides ? withoutPrices : base;
  const parsed = LlmConfig.safeParse(mergeDeep(isElsewhere ? withoutKey : sameProvider, overrides));
  const [issue] = parsed.error?.issues ?? [];
  if (!parsed.success) {
    throw new DefinitionError(
      { ...place, key: ["llm", ...(issue?.path ?? [])].map(String).join(".") },
      `${issue?.message}`,
    );
  }
  const problem = findLlmProblem(parsed.data);
  if (problem)
    throw new DefinitionError({ ...place, key: ["llm", ...problem.path].map(String).join(".") }, problem.reason);
  return parsed.data;
}
