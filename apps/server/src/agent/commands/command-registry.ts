import type { CommandView, InboundEvent } from "@my-bot/protocol";
import { agentCommand } from "./agent-command.ts";
import { clearCommand } from "./clear-command.ts";
import type { Command } from "./command.ts";
import { compactCommand, contextCommand } from "./context-commands.ts";
import { createHelpCommand } from "./help-command.ts";
import { modelCommand } from "./model-command.ts";
import { bindingsCommand, routeCommand } from "./routing-commands.ts";
import { sessionCommand } from "./session-command.ts";
import { skillsCommand } from "./skills-command.ts";
import { stopCommand } from "./stop-command.ts";
import { toolsCommand } from "./tools-command.ts";

/** In the order in which they are listed. */
const commands: readonly Command[] = [
  createHelpCommand(listCommands),
  stopCommand,
  sessionCommand,
  contextCommand,
  compactCommand,
  clearCommand,
  agentCommand,
  modelCommand,
  skillsCommand,
  toolsCommand,
  routeCommand,
  bindingsCommand,
];

const byWord = new Map(
  commands.flatMap((command) => [command.name, ...command.aliases].map((word) => [word, command])),
);

export interface FoundCommand {
  readonly command: Command;
  readonly args: readonly string[];
}

/** The command that a message is; undefined: it goes to the model. What an agent writes is never one (SPEC CMD1, CMD5). */
export function findCommand({ content, source, dispatched_by }: InboundEvent): FoundCommand | undefined {
  if (dispatched_by !== undefined || source.startsWith("agent:")) return undefined;
  return parseCommand(content);
}

/** Does a message with this text take effect at once, without waiting in its session's queue? */
export function isImmediate(content: string): boolean {
  return parseCommand(content)?.command.isImmediate === true;
}

export function listCommands(): readonly CommandView[] {
  return commands.map(({ name, aliases, arguments: args, description }) => ({
    name,
    aliases,
    arguments: args,
    description,
  }));
}

function parseCommand(content: string): FoundCommand | undefined {
  const [word = "", ...args] = content.trim().split(/\s+/);
  const command = word.startsWith("/") ? byWord.get(word.slice(1).toLowerCase()) : undefined;
  return command && { command, args };
}
