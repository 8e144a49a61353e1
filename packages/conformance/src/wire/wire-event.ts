import { createHash } from "node:crypto";
import type { BotEvent } from "@my-bot/protocol";
import type { LoggedEvent, SeenEvent } from "../ledger/ledger.ts";

/** An event as it came over a wire, unchecked: it may be anything. */
export type WireEvent = { readonly type: BotEvent["type"] | "error" } & Readonly<Record<string, unknown>>;

const PASSING = new Set(["DeltaEvent", "ReasoningEvent", "ToolOutputEvent", "SyncedEvent", "error"]);

/** GapEvents count as durable: within one store there is no reason for any, and the log will not hold them. */
export function isDurable({ type }: WireEvent): boolean {
  return !PASSING.has(type);
}

export function toSeen(cursor: string, event: WireEvent): SeenEvent {
  const fields = Object.entries(event)
    .filter(([key]) => key !== "cursor")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash("sha256").update(JSON.stringify(fields)).digest("base64").slice(0, 12);
  return { cursor, type: event.type, digest };
}

export function toLogged(cursor: string, event: WireEvent): LoggedEvent {
  const { error } = event;
  return {
    ...toSeen(cursor, event),
    messageId: text(event.message_id),
    source: text(event.source),
    runId: text(event.run_id),
    content: text(event.content),
    error: error === null ? null : text(error),
  };
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
