import type { InboundEvent } from "@my-bot/protocol";
import type { ReadyAgent } from "./agent-loop.ts";
import type { ModelMessage } from "./language-model.ts";
import { runtimeLayer } from "./runtime-layer.ts";

/** What a run begins with: what its agent is always told, then what is true of this run. */
export function systemMessage(
  { definition: agent, systemPrompt, timeZone }: ReadyAgent,
  inbound: InboundEvent,
): ModelMessage {
  const content = [systemPrompt, runtimeLayer({ agent, inbound, timeZone })].filter(Boolean).join("\n\n");
  return { role: "system", content };
}
