import type { ModelScript } from "./scripted-model.ts";

/** Files of two agents that the scripts below tell apart by their first words. */
export const bossAndClerk = {
  "agents/boss/AGENT.md": "---\nname: Boss\n---\nYou are Boss.\n",
  "agents/clerk/AGENT.md": "---\nname: Clerk\n---\nYou are Clerk.\n",
};

/** Each agent by its own script: the first one whose name its system prompt begins with, as in `You are Boss`. */
export function asAgents(scripts: Readonly<Record<string, ModelScript>>): ModelScript {
  return (reply, request) => {
    const [system] = request.messages;
    const name = Object.keys(scripts).find((name) => system?.content.startsWith(`You are ${name}`));
    return scripts[name ?? ""]?.(reply, request);
  };
}

/** Gives these tasks to `agentId` at once, and then says what came back. */
export function dispatches(agentId: string, ...tasks: string[]): ModelScript {
  return (reply, { messages }) => {
    const results = messages.slice(messages.findLastIndex(({ role }) => role === "user")).filter(isResult);
    if (results.length > 0) {
      reply.text(results.map(({ content }) => content).join(" + "));
      reply.finish("stop");
      return;
    }
    for (const [index, task] of tasks.entries()) {
      reply.toolCall(index, `call_${index}`, "subagent_dispatch", { agent_id: agentId, task });
    }
    reply.finish("tool_calls");
  };
}

function isResult({ role }: { role: string }): boolean {
  return role === "tool";
}

/** Answers "done: " and the task. */
export const obeys: ModelScript = (reply, { messages }) => {
  reply.text(`done: ${messages.at(-1)?.content}`);
  reply.finish("stop");
};
