import type { Command } from "commander";

/** Who speaks, and to whom. */
export interface SourceOptions {
  readonly source: string;
  readonly agent?: string;
}

export function sourceOptions(command: Command): Command {
  return command
    .option("--source <id>", "your name in the log; one source is one conversation", "cli")
    .option("--agent <id>", "the agent that answers (default: the session's)");
}

export function messageInput({ source, agent }: SourceOptions, content: string) {
  return { source, content, ...(agent !== undefined && { agent_id: agent }) };
}
