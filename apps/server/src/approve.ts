import {
  type ApprovalReceipt,
  type ApprovalResolvedEvent,
  type ApproveInput,
  BotError,
  formatSource,
} from "@my-bot/protocol";
import { approvalKey, approvalResolvedEvent } from "./agent/resolve-approval.ts";
import type { EventBus, Published } from "./bus/event-bus.ts";
import type { ApprovalStore } from "./session/approval-store.ts";

export interface ApproveDeps {
  readonly bus: EventBus;
  readonly approvals: ApprovalStore;
}

/** Stores the answer to a request, unless there is one. Rejects with NOT_FOUND, or with CONFLICT when it was decided otherwise. */
export async function approve(deps: ApproveDeps, input: ApproveInput): Promise<ApprovalReceipt> {
  const { records, duplicate } = await publishAnswer(deps, input);
  const event = records.map((record) => record.event).find(isResolved);
  if (event === undefined) throw new BotError("NOT_FOUND", `Approval "${input.approval_id}" is no longer kept`);
  const { approval_id, decision, scope, reason, by } = event;
  if (decision !== input.decision) throw new BotError("CONFLICT", explainFirst(event));
  return { approval_id, decision, scope, reason, by, duplicate };
}

function publishAnswer({ bus, approvals }: ApproveDeps, input: ApproveInput): Promise<Published> {
  const { approval_id, decision } = input;
  const key = approvalKey(approval_id);
  const request = approvals.find(approval_id);
  if (request === undefined) {
    if (!bus.has(key)) throw new BotError("NOT_FOUND", `Unknown approval "${approval_id}"`);
    return bus.publish([], { sessionSource: "", key }); // appends nothing: gives the first answer
  }
  if (request.event.expires_at <= Date.now() / 1000) throw new BotError("CONFLICT", "This request has expired");
  const resolved = approvalResolvedEvent(request.event, {
    decision,
    scope: decision === "allow" ? input.scope : "once",
    reason: "answered",
    by: input.source === undefined ? null : formatSource({ kind: "platform-ws", id: input.source }),
  });
  return bus.publish([resolved], { sessionSource: request.sessionSource, key });
}

function explainFirst({ decision, reason, by }: ApprovalResolvedEvent): string {
  switch (reason) {
    case "answered":
      return `Already ${decision === "allow" ? "allowed" : "denied"}${by === null ? "" : ` by ${by}`}`;
    case "expired":
      return "This request has expired";
    case "aborted":
      return "The run that asked was stopped";
  }
}

function isResolved(event: { readonly type: string }): event is ApprovalResolvedEvent {
  return event.type === "ApprovalResolvedEvent";
}
