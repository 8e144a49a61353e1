import type { CommandView } from "@my-bot/client";

/** For Tab at a terminal: the commands that begin like the line; what takes arguments goes on with a space. */
export function createCommandCompleter(commands: readonly CommandView[]): (line: string) => [string[], string] {
  const words = commands.flatMap(({ name, aliases, arguments: args }) =>
    [name, ...aliases].map((word) => `/${word}${args === "" ? "" : " "}`),
  );
  return (line) => [line.startsWith("/") ? words.filter((word) => word.startsWith(line.toLowerCase())) : [], line];
}
