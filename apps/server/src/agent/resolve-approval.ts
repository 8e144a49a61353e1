import type { ApprovalRequestedEvent, ApprovalResolvedEvent } from "@my-bot/protocol";

export type Resolution = Pick<ApprovalResolvedEvent, "decision" | "scope" | "reason" | "by">;

/** The key of a decision: the first that is published under it counts (SPEC APR2). */
export function approvalKey(approvalId: string): string {
  return `approval:${approvalId}`;
}

export function approvalResolvedEvent(request: ApprovalRequestedEvent, resolution: Resolution): ApprovalResolvedEvent {
  const { session_id, run_id, turn, tool_call_id, approval_id } = request;
  const { decision, scope, reason, by } = resolution;
  return {
    type: "ApprovalResolvedEvent",
    session_id,
    run_id,
    turn,
    tool_call_id,
    approval_id,
    decision,
    scope,
    reason,
    by,
    timestamp: Date.now() / 1000,
  };
}
