import type { ToolCallEvent } from "@my-bot/protocol";

/** Tells a call from all others of the log; for keys of what it does (SPEC BUS2). */
export function callId({ run_id, turn, tool_call_id }: ToolCallEvent): string {
  return `${run_id}:${turn}:${tool_call_id}`;
}
