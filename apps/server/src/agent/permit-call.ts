import { randomUUID } from "node:crypto";
import type { ApprovalRequestedEvent, ToolCallEvent } from "@my-bot/protocol";
import type { ApprovalStore } from "../session/approval-store.ts";
import type { ToolRegistry } from "./tools/registry.ts";
import type { AllowedCall } from "./tools/tool.ts";
import { subjectOf } from "./tools/tool-approval.ts";

/** What stands between a call and its being made. */
export type CallPermit =
  | { readonly state: "free" }
  | { readonly state: "allowed"; readonly allowed: AllowedCall } // earlier, for the session
  | { readonly state: "asked"; readonly request: ApprovalRequestedEvent };

export interface PermitOptions {
  readonly tools: ToolRegistry;
  readonly approvals: Pick<ApprovalStore, "listAllowed">;
  /** How long a request is valid. */
  readonly timeoutMs: number;
}

/** Whether a call needs approval; the request for it is yet to be stored. */
export async function permitCall(
  call: ToolCallEvent,
  { tools, approvals, timeoutMs }: PermitOptions,
): Promise<CallPermit> {
  const review = await tools.review(call);
  if (!review.isAsked) return { state: "free" };
  const { preview, isEachTime } = review;
  const allowed = isEachTime ? [] : approvals.listAllowed(call.session_id);
  if (allowed.some((earlier) => isCovered(call, preview, earlier))) return { state: "allowed", allowed: { preview } };
  return { state: "asked", request: requestedEvent(call, preview, timeoutMs) };
}

/** Another call of the same tool; of commands only the same one, while its scripts are the same (SPEC APR6). */
function isCovered(call: ToolCallEvent, preview: string | null, earlier: ApprovalRequestedEvent): boolean {
  if (call.name !== earlier.name) return false;
  if (call.name !== "bash") return true;
  return commandOf(call) === commandOf(earlier) && preview === earlier.preview;
}

function commandOf({ name, arguments: text }: Pick<ToolCallEvent, "name" | "arguments">): string | undefined {
  const input: unknown = JSON.parse(text); // it was reviewed: valid
  return typeof input === "object" && input !== null ? subjectOf(name, input) : undefined;
}

function requestedEvent(call: ToolCallEvent, preview: string | null, timeoutMs: number): ApprovalRequestedEvent {
  const { session_id, run_id, turn, tool_call_id, name } = call;
  const timestamp = Date.now() / 1000;
  return {
    type: "ApprovalRequestedEvent",
    session_id,
    run_id,
    turn,
    tool_call_id,
    approval_id: randomUUID(),
    name,
    arguments: call.arguments,
    preview,
    expires_at: timestamp + timeoutMs / 1000,
    timestamp,
  };
}
