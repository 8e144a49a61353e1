import type { Command } from "./command.ts";

export const clearCommand: Command = {
  name: "clear",
  aliases: [],
  arguments: "",
  description: "begins the conversation anew in this session; what was said stays in its history",
  run: (_, { inbound }) => ({
    content: "Cleared. I no longer see what was said before; the history still shows it.",
    changes: [{ action: "cleared", up_to: { run_id: inbound.run_id, turn: 0 } }],
  }),
};
