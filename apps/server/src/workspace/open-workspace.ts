import type { AgentDefinition, CronDefinition, SkillDefinition } from "./agent-definition.ts";
import type { Config } from "./config.ts";
import { loadAgents } from "./load-agents.ts";
import { type LoadConfigOptions, loadConfig } from "./load-config.ts";
import { loadCrons } from "./load-crons.ts";
import { findSkipped } from "./load-definitions.ts";
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
  /** One line each, for the log: what was skipped and what is unsafe. */
  readonly warnings: readonly string[];
}

/** Reads the whole workspace. Throws ConfigError when it cannot be used; lesser faults are warnings. */
export async function openWorkspace(dir: string, options: LoadConfigOptions): Promise<Workspace> {
  const { config, isOffline, hasUserConfig, fault, warnings } = await loadConfig(dir, options);
  const agents = await loadAgents(dir, config);
  const skills = await loadSkills(dir, config);
  const crons = await loadCrons(dir, config, agents.items);
  const why = (agentId: string): string =>
    findSkipped(agents.warnings, `${config.agents_path}/${agentId}`) ??
    `known agents: ${[...agents.items.keys()].join(", ") || "none"}`;
  if (!agents.items.has(config.default_agent)) {
    throw fault(["default_agent"], `there is no agent "${config.default_agent}"; ${why(config.default_agent)}`);
  }
  for (const [index, { agent }] of config.routing.bindings.entries()) {
    if (agents.items.has(agent)) continue;
    throw fault(["routing", "bindings", index, "agent"], `there is no agent "${agent}"; ${why(agent)}`);
  }
  return {
    dir,
    config,
    isOffline,
    hasUserConfig,
    agents: agents.items,
    skills: skills.items,
    crons: crons.items,
    warnings: [...warnings, ...agents.warnings, ...skills.warnings, ...crons.warnings],
  };
}
