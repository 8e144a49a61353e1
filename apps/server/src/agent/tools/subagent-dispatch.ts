import * as z from "zod";
import type { AgentDefinition } from "../../workspace/agent-definition.ts";
import type { DispatchConfig } from "../../workspace/tools-config.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Tool } from "./tool.ts";

const MAX_CHARS = 32_000;

export interface SubagentDispatchToolOptions {
  /** Who can be given a task; one or more. */
  readonly agents: readonly AgentDefinition[];
  readonly config: DispatchConfig;
  readonly dispatcher: Dispatcher;
}

/** Gives a task to another agent, which does it in a session of its own; its answer is the result (SPEC AGT1). */
export function createSubagentDispatchTool({ agents, config, dispatcher }: SubagentDispatchToolOptions) {
  const input = z.object({
    agent_id: z.enum(agents.map(({ agentId }) => agentId)).describe("who does it"),
    task: z.string().trim().min(1).max(MAX_CHARS).describe("what to do, in full: the agent knows nothing of this talk"),
    context: z.string().trim().max(MAX_CHARS).optional().describe("what it has to know for that"),
  });
  return {
    name: "subagent_dispatch",
    description: `Gives a task to an agent and returns its answer. Agents:\n${listAgents(agents)}`,
    input,
    isReadOnly: false,
    isResumable: true,
    approval: "allow", // for what it does the agent needs approvals of its own
    timeoutMs: config.timeout_seconds * 1000,
    run: async ({ agent_id: agentId, task, context: known }, signal, context) => {
      if (dispatcher.depthOf(context.inbound.session_id) >= config.max_depth) {
        const content = `This task was dispatched ${config.max_depth} agents deep, which is the limit: do it yourself.`;
        return { content, is_error: true };
      }
      const content = known ? `${task}\n\n## Context\n\n${known}` : task;
      const result = await dispatcher.dispatch({ agentId, content }, context, signal);
      if (result.error === null) return { content: result.content || "(an empty answer)", is_error: false };
      return { content: `The agent "${agentId}" did not answer: ${result.error}`, is_error: true };
    },
  } satisfies Tool<typeof input>;
}

function listAgents(agents: readonly AgentDefinition[]): string {
  return agents.map(({ agentId, description }) => `- ${agentId}: ${description.replace(/\s+/g, " ")}`).join("\n");
}
