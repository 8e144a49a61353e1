import type { EventBus } from "../bus/event-bus.ts";
import type { AttachmentStore } from "../session/attachment-store.ts";
import type { SessionStore } from "../session/session-store.ts";
import type { AgentDefinition } from "../workspace/agent-definition.ts";
import type { LlmConfig, ModelConfig } from "../workspace/config.ts";
import type { Environment } from "../workspace/load-config.ts";
import type { Workspace } from "../workspace/open-workspace.ts";
import type { ReadyAgent } from "./agent-loop.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LanguageModel } from "./language-model.ts";
import { createFallbackModel } from "./llm/fallback-model.ts";
import type { ReadImage } from "./llm/image-parts.ts";
import { createOpenAiModel } from "./llm/openai-model.ts";
import type { McpServers } from "./mcp/mcp-servers.ts";
import { createOfflineModel } from "./offline-model.ts";
import type { Redactor } from "./redact.ts";
import { redactModel } from "./redact-model.ts";
import { buildSystemPrompt } from "./system-prompt.ts";
import { createBashTool } from "./tools/bash.ts";
import { createEditTool } from "./tools/edit.ts";
import { createPostMessageTool } from "./tools/post-message.ts";
import { createReadTool } from "./tools/read.ts";
import { redactTool } from "./tools/redact-tool.ts";
import { createToolRegistry } from "./tools/registry.ts";
import { createSkillTool } from "./tools/skill.ts";
import { createSubagentDispatchTool } from "./tools/subagent-dispatch.ts";
import type { Tool } from "./tools/tool.ts";
import { createWebreadTool } from "./tools/webread.ts";
import { createWebsearchTool } from "./tools/websearch.ts";
import { createWriteTool } from "./tools/write.ts";
import type { NetworkPolicy } from "./web/network-policy.ts";

export interface ReadyAgentsDeps {
  /** Where the environment of commands is taken from. */
  readonly env: Environment;
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  readonly attachments: Pick<AttachmentStore, "read">;
  readonly dispatcher: Dispatcher;
  readonly mcp: Pick<McpServers, "toolsFor">;
  /** Which pages may be read. */
  readonly policy: NetworkPolicy;
  readonly redactor: Redactor;
  readonly onError: (error: unknown) => void;
}

/** The agents of a workspace, each with its prompt, model and tools. */
export function createReadyAgents(workspace: Workspace, deps: ReadyAgentsDeps): ReadonlyMap<string, ReadyAgent> {
  const ready = [...workspace.agents.values()].map((definition): [string, ReadyAgent] => [
    definition.agentId,
    {
      definition,
      compaction: workspace.config.compaction,
      timeZone: workspace.config.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      systemPrompt: buildSystemPrompt(definition, workspace),
      model: modelOf(definition.llm, deps),
      tools: createToolRegistry(toolsOf(workspace, definition, deps), {
        permissions: workspace.config.tools,
        onError: deps.onError,
      }),
      approvalTimeoutMs: workspace.config.approvals.timeout_seconds * 1000,
    },
  ]);
  return new Map(ready);
}

function modelOf(
  { fallbacks, ...first }: LlmConfig,
  { attachments, redactor, onError }: ReadyAgentsDeps,
): LanguageModel {
  const readImage: ReadImage = (id) => attachments.read(id)?.data;
  const singleModel = (config: ModelConfig): LanguageModel =>
    config.provider === "offline" ? createOfflineModel() : createOpenAiModel(config, readImage);
  const model = singleModel(first);
  if (first.provider === "offline") return model;
  if (fallbacks.length === 0) return redactModel(model, redactor);
  const models = [model, ...fallbacks.map(singleModel)];
  return redactModel(createFallbackModel(models, { timeouts: first.timeouts, onError }), redactor);
}

function toolsOf({ dir, config, skills, agents }: Workspace, agent: AgentDefinition, deps: ReadyAgentsDeps): Tool[] {
  const files = { workspaceDir: dir, privatePaths: [config.event_path, config.history_path, config.logging_path] };
  const { env, dispatcher, mcp, policy } = deps;
  const { bash, subagent_dispatch } = config.tools;
  const tools: Tool[] = [
    createReadTool(files),
    createWriteTool(files),
    createEditTool(files),
    createWebreadTool({ policy }),
    ...(config.websearch ? [createWebsearchTool({ config: config.websearch })] : []),
    ...(agent.allowSkills ? [createSkillTool(skills)] : []),
    ...(agent.allowBash ? [createBashTool({ workspaceDir: dir, env, config: bash })] : []),
    ...(agents.size > 1
      ? [createSubagentDispatchTool({ agents: [...agents.values()], config: subagent_dispatch, dispatcher })]
      : []),
    createPostMessageTool({ ...deps, config }),
    ...mcp.toolsFor(agent.agentId),
  ];
  return tools.map((tool) => redactTool(tool, deps.redactor));
}
