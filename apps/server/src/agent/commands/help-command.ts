import type { CommandView } from "@my-bot/protocol";
import type { Command } from "./command.ts";

export function createHelpCommand(list: () => readonly CommandView[]): Command {
  return {
    name: "help",
    aliases: ["?"],
    arguments: "",
    description: "lists the commands",
    run: () => ({ content: `**Commands**\n\n${list().map(helpLine).join("\n")}` }),
  };
}

function helpLine({ name, aliases, arguments: args, description }: CommandView): string {
  const usage = [`/${name}`, args].filter(Boolean).join(" ");
  const words = [usage, ...aliases.map((alias) => `/${alias}`)].map((word) => `\`${word}\``);
  return `- ${words.join(", ")}: ${description}`;
}
