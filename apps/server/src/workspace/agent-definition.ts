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

/** One `crons/<id>/` folder, read and validated: a message that is sent by itself when it is due. */
export interface CronDefinition {
  readonly cronId: string;
  readonly name: string;
  readonly schedule: string; // as croner reads it
  readonly timeZone: string | undefined; // the server's
  readonly agentId: string | undefined; // the session's
  /** Whose session it goes to; undefined: its own. */
  readonly source: string | undefined;
  readonly isEnabled: boolean;
  readonly content: string;
}
