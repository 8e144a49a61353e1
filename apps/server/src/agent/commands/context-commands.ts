import type { ReadyAgent } from "../agent-loop.ts";
import { codeSpan } from "../code-span.ts";
import { type ContextLimits, contextLimits } from "../context/context-limits.ts";
import { summarise } from "../context/summarise.ts";
import { readConversation, toPassages } from "../conversation.ts";
import type { ModelMessage } from "../language-model.ts";
import { systemMessage } from "../system-message.ts";
import type { Command, CommandCall, CommandDeps } from "./command.ts";

const NO_AGENT = "The agent of this session was removed; `/agent` lists the others.";

export const contextCommand: Command = {
  name: "context",
  aliases: [],
  arguments: "",
  description: "tells how full the model's context is",
  run: (deps, call) => {
    const agent = deps.findAgent(call.session.agent_id);
    if (agent === undefined) return { content: NO_AGENT };
    const { messages, limits } = readContext(deps, call, agent);
    const tools = agent.tools.tools();
    const system: ModelMessage[] = [systemMessage(agent, call.inbound)];
    const count = (part: readonly ModelMessage[], offered: typeof tools = []): string =>
      format(deps.tokens.count(limits.model, { messages: part, tools: offered }));
    const all = deps.tokens.count(limits.model, { messages: [...system, ...messages], tools });
    const source = deps.tokens.isMeasured(limits.model) ? "by the provider's own figures" : "estimated";
    const lines = [
      `- model: ${codeSpan(limits.model)}`,
      `- used: ${format(all)} of ${format(limits.window)} tokens (${Math.round((100 * all) / limits.window)} %), ${source}`,
      `- compacted above: ${format(limits.compactAt)} tokens`,
      `- instructions: ${count(system)} tokens`,
      `- ${tools.length} tools: ${count([], tools)} tokens`,
      `- ${messages.length} messages: ${count(messages)} tokens`,
    ];
    return { content: `**Context**\n\n${lines.join("\n")}` };
  },
};

export const compactCommand: Command = {
  name: "compact",
  aliases: [],
  arguments: "",
  description: "puts a summary in the place of the conversation so far, which makes room; the history still shows it",
  run: async (deps, call) => {
    const agent = deps.findAgent(call.session.agent_id);
    if (agent === undefined) return { content: NO_AGENT };
    const { messages, limits, isSummary } = readContext(deps, call, agent);
    if (messages.length === 0 || isSummary) return { content: "There is nothing to compact." };
    if (agent.definition.llm.provider === "offline") {
      return { content: "The offline model cannot summarise; `/clear` begins anew." };
    }
    const count = (part: readonly ModelMessage[]): string =>
      format(deps.tokens.count(limits.model, { messages: part, tools: [] }));
    const { onTurn, signal } = call;
    const summary = await summarise({ model: agent.model, tokens: deps.tokens, limits, onTurn }, messages, signal);
    return {
      content: `Compacted: ${messages.length} messages with ${count(messages)} tokens became a summary with ${count([{ role: "user", content: summary }])}.\n\n${summary}`,
      changes: [{ action: "compacted", up_to: { run_id: call.inbound.run_id, turn: 0 }, summary }],
    };
  },
};

interface Context {
  readonly messages: readonly ModelMessage[];
  readonly limits: ContextLimits;
  /** Nothing was said since it was compacted. */
  readonly isSummary: boolean;
}

function readContext(
  { bus }: CommandDeps,
  { inbound, session }: CommandCall,
  { definition, compaction }: ReadyAgent,
): Context {
  const passages = toPassages(readConversation(bus, inbound.session_id), inbound.run_id);
  return {
    messages: passages.flatMap(({ messages }) => messages),
    limits: contextLimits(definition.llm, compaction.threshold, session.model ?? undefined),
    isSummary: passages.every(({ at }) => at === undefined),
  };
}

function format(tokens: number): string {
  return tokens.toLocaleString("en");
}
