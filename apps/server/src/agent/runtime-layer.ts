import { type InboundEvent, parseSource, type SourceKind } from "@my-bot/protocol";
import type { AgentDefinition } from "../workspace/agent-definition.ts";

const HINTS: Readonly<Record<SourceKind, string>> = {
  "platform-ws": "the answer is shown in a chat that understands Markdown",
  "platform-cli": "the answer is shown in a terminal: short lines, little Markdown",
  agent: "another agent gave you this task and waits for the result; it cannot answer questions",
  cron: "this message was sent by a schedule; nobody may be reading along",
};

export interface RuntimeLayerOptions {
  readonly agent: Pick<AgentDefinition, "agentId" | "name">;
  readonly inbound: InboundEvent;
  readonly timeZone: string;
}

/** What is true of one run: the last part of the system prompt, the same in all turns of the run (SPEC PROMPT3). */
export function runtimeLayer({ agent, inbound, timeZone }: RuntimeLayerOptions): string {
  const kind = parseSource(inbound.source)?.kind;
  const lines = [
    `- agent: ${agent.name} (${agent.agentId})`,
    `- session: ${inbound.session_id}`,
    `- message from: ${JSON.stringify(inbound.source)}${kind === undefined ? "" : `; ${HINTS[kind]}`}`,
    `- local time: ${formatTime(inbound.timestamp, timeZone)}`,
  ];
  return `## Runtime\n\n${lines.join("\n")}`;
}

/** To the minute, such as `Monday 23 November 2026 at 07:25 (Europe/Berlin)`. */
function formatTime(seconds: number, timeZone: string): string {
  const time = new Date(seconds * 1000).toLocaleString("en-GB", {
    timeZone,
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return `${time} (${timeZone})`;
}
