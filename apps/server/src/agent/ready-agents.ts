import type { AgentDefinition } from "../workspace/agent-definition.ts";
import type { Environment } from "../workspace/load-config.ts";
import type { Workspace } from "../workspace/open-workspace.ts";
import type { ReadyAgent } from "./agent-loop.ts";
import { createOpenAiModel } from "./llm.ts";
import { createOfflineModel } from "./offline-model.ts";
import { buildSystemPrompt } from "./system-prompt.ts";
import { createBashTool } from "./tools/bash.ts";
import { createReadTool } from "./tools/read.ts";
import { createToolRegistry } from "./tools/registry.ts";
import { createSkillTool } from "./tools/skill.ts";
import type { Tool } from "./tools/tool.ts";

export interface ReadyAgentsDeps {
  /** Where the environment of commands is taken from. */
  readonly env: Environment;
  readonly onError: (error: unknown) => void;
}

/** What commands see of the environment, beside what the configuration names. */
const ENVIRONMENT = ["PATH", "HOME", "LANG", "TERM"];

/** The agents of a workspace, each with its prompt, model and tools. */
export function createReadyAgents(workspace: Workspace, deps: ReadyAgentsDeps): ReadonlyMap<string, ReadyAgent> {
  const offline = createOfflineModel();
  const ready = [...workspace.agents.values()].map((definition): [string, ReadyAgent] => [
    definition.agentId,
    {
      definition,
      systemPrompt: buildSystemPrompt(definition, workspace.skills.values()),
      model: definition.llm.provider === "offline" ? offline : createOpenAiModel(definition.llm),
      tools: createToolRegistry(toolsOf(workspace, definition, deps.env), { onError: deps.onError }),
    },
  ]);
  return new Map(ready);
}

function toolsOf({ dir, config, skills }: Workspace, { allowSkills }: AgentDefinition, env: Environment): Tool[] {
  const privatePaths = [config.event_path, config.history_path, config.logging_path];
  const { approval, timeout_seconds: timeoutSeconds, env: names } = config.tools.bash;
  const bash = { workspaceDir: dir, timeoutSeconds, env: pickEnvironment(env, [...ENVIRONMENT, ...names]) };
  return [
    createReadTool({ workspaceDir: dir, privatePaths }),
    ...(allowSkills ? [createSkillTool(skills)] : []),
    ...(approval === "allow" ? [createBashTool(bash)] : []),
  ];
}

function pickEnvironment(env: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
