import type { LlmConfig } from "./config.ts";

/** One `agents/<id>/` folder, read and validated. */
export interface AgentDefinition {
  readonly agentId: string;
  readonly name: string;
  readonly description: string;
  /** Body of AGENT.md, with SOUL.md appended as `## Personality`. */
  readonly systemPrompt: string;
  readonly allowSkills: boolean;
  /** False: not this agent, even where the configuration allows it. */
  readonly allowBash: boolean;
  readonly maxConcurrency: number;
  readonly llm: LlmConfig; // the workspace's, with this agent's overrides
}

/** One `skills/<id>/` folder, read and validated. */
export interface SkillDefinition {
  readonly skillId: string;
  readonly name: string;
  readonly description: string;
  readonly body: string;
}
