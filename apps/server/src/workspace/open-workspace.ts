import type { AgentDefinition, CronDefinition, SkillDefinition } from "./agent-definition.ts";
import type { Config } from "./config.ts";
import { knownSecrets } from "./known-secrets.ts";
import { loadAgents } from "./load-agents.ts";
import { type LoadConfigOptions, loadConfig } from "./load-config.ts";
import { loadCrons } from "./load-crons.ts";
import { findSkipped } from "./load-definitions.ts";
import { loadPromptFiles } from "./load-prompt-files.ts";
import { loadSkills } from "./load-skills.ts";

/** The folder that holds all a user can change, as it was read at one moment. */
export interface Workspace {
  readonly dir: string;
  readonly config: Config;
  readonly isOffline: boolean;
  readonly hasUserConfig: boolean; // or else it runs on the example
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly skills: ReadonlyMap<string, SkillDefinition>;
  readonly crons: ReadonlyMap<string, CronDefinition>;
  /** What is hidden wherever it would be shown (SPEC TOOL13). */
  readonly secrets: readonly string[];
  /** What all agents are told, by file. */
  readonly promptFiles: ReadonlyMap<string, string>;
  /** One line each, for the log: what was skipped and what is unsafe. */
  readonly warnings: readonly string[];
}

/** Reads the whole workspace. Throws ConfigError when it cannot be used; lesser faults are warnings. */
export async function openWorkspace(dir: string, options: LoadConfigOptions): Promise<Workspace> {
  const { config, isOffline, hasUserConfig, variables, fault, warnings } = await loadConfig(dir, options);
  const agents = await loadAgents(dir, config);
  const skills = await loadSkills(dir, config);
  const crons = await loadCrons(dir, config, agents.items);
  const promptFiles = await loadPromptFiles(dir);
  const why = (agentId: string): string =>
    findSkipped(agents.warnings, `${config.agents_path}/${agentId}`) ??
    `known agents: ${[...agents.items.keys()].join(", ") || "none"}`;
  for (const { agentId, path } of namedAgents(config)) {
    if (!agents.items.has(agentId)) throw fault(path, `there is no agent "${agentId}"; ${why(agentId)}`);
  }
  return {
    dir,
    config,
    isOffline,
    hasUserConfig,
    secrets: knownSecrets({ config, agents: agents.items.values(), env: options.env, variables }),
    agents: agents.items,
    skills: skills.items,
    crons: crons.items,
    promptFiles: promptFiles.items,
    warnings: [...warnings, ...[agents, skills, crons, promptFiles].flatMap((loaded) => loaded.warnings)],
  };
}

/** Wherever the configuration names an agent. */
function namedAgents({ default_agent, routing, mcp }: Config): { agentId: string; path: PropertyKey[] }[] {
  const bound = routing.bindings.map(({ agent }, index) => ({
    agentId: agent,
    path: ["routing", "bindings", index, "agent"],
  }));
  const served = Object.entries(mcp.servers).flatMap(([id, { agents = [] }]) =>
    agents.map((agentId, index) => ({ agentId, path: ["mcp", "servers", id, "agents", index] })),
  );
  return [{ agentId: default_agent, path: ["default_agent"] }, ...bound, ...served];
}
