import type { BindingConfig } from "../../workspace/config.ts";
import { ConfigError } from "../../workspace/config-error.ts";
import { codeSpan } from "../code-span.ts";
import { byRank } from "../routing.ts";
import type { Command } from "./command.ts";

export const routeCommand: Command = {
  name: "route",
  aliases: [],
  arguments: "<regex> <agent>",
  description: "lets an agent answer new sessions of the sources that match",
  run: async ({ workspace, runtimeConfig }, { args }) => {
    const agent = args.at(-1);
    const value = args.slice(0, -1).join(" ");
    if (agent === undefined || value === "") {
      return { content: "Usage: `/route <regex> <agent>`, such as `/route platform-ws:notes-.* cookie`." };
    }
    const { agents, config } = workspace();
    if (!agents.has(agent)) return { content: `There is no agent ${codeSpan(agent)}; \`/agent\` lists them.` };
    try {
      await runtimeConfig.bind({ agent, value }, config.routing.bindings);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      return { content: `Not routed: ${cause.message}` };
    }
    return {
      content: `${codeSpan(value)} goes to ${codeSpan(agent)} from now on; sessions that there are keep their agent.`,
    };
  },
};

export const bindingsCommand: Command = {
  name: "bindings",
  aliases: [],
  arguments: "",
  description: "lists which agent answers whom",
  run: ({ workspace }) => {
    const { routing, default_agent } = workspace().config;
    const lines = byRank(routing.bindings).map(bindingLine);
    return { content: `**Bindings**\n\n${[...lines, `- anyone else: ${codeSpan(default_agent)}`].join("\n")}` };
  },
};

function bindingLine({ value, agent }: BindingConfig): string {
  return `- ${codeSpan(value)}: ${codeSpan(agent)}`;
}
