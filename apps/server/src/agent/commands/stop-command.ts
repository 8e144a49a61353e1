import type { Command } from "./command.ts";

/** Stops what came before it, never what comes after, so that doing it again after a crash stops nothing more. */
export const stopCommand: Command = {
  name: "stop",
  aliases: [],
  arguments: "",
  description: "stops the answer that is being written, and takes back the messages that wait",
  isImmediate: true,
  run: async ({ stopEarlier }, { inbound }) => {
    const { running, queued } = await stopEarlier(inbound.run_id);
    if (running + queued === 0) return { content: "Nothing is running." };
    const waiting =
      queued === 1 ? "1 message that waited was taken back" : `${queued} messages that waited were taken back`;
    return { content: queued === 0 ? "Stopped." : `Stopped; ${waiting}.` };
  },
};
