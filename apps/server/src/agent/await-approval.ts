import type { ApprovalRequestedEvent, ApprovalResolvedEvent } from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";
import { type AppendPatientlyDeps, appendPatiently } from "./append-patiently.ts";
import { approvalKey, approvalResolvedEvent } from "./resolve-approval.ts";
import { RunAborted } from "./run-aborted.ts";

/**
 * Waits for the decision on a request, for as long as that is valid; a stop of the run, or the end of the time, is one,
 * too. Throws the signal's reason when the server stops: the next start goes on waiting (SPEC APR5).
 */
export async function awaitApproval(
  deps: AppendPatientlyDeps,
  request: LogRecord<ApprovalRequestedEvent>,
  signal: AbortSignal,
): Promise<ApprovalResolvedEvent> {
  const remainingMs = Math.max(0, request.event.expires_at * 1000 - Date.now());
  const expired = AbortSignal.timeout(Math.ceil(remainingMs)); // takes whole numbers only
  const answers = deps.bus.subscribe({
    after: request.cursor,
    filter: { session_id: request.event.session_id, types: ["ApprovalResolvedEvent"] },
    signal: AbortSignal.any([signal, expired]),
  });
  for await (const { event } of answers) {
    if (event.type === "ApprovalResolvedEvent" && event.approval_id === request.event.approval_id) return event;
  }
  return decideWithoutAnswer(deps, request, signal);
}

async function decideWithoutAnswer(
  deps: AppendPatientlyDeps,
  { event: request, sessionSource }: LogRecord<ApprovalRequestedEvent>,
  signal: AbortSignal,
): Promise<ApprovalResolvedEvent> {
  const reason = signal.aborted ? "aborted" : "expired";
  if (signal.aborted && !(signal.reason instanceof RunAborted)) throw signal.reason;
  const denied = approvalResolvedEvent(request, { decision: "deny", scope: "once", reason, by: null });
  const options = { sessionSource, key: approvalKey(request.approval_id) };
  const { records } = signal.aborted
    ? await deps.bus.publish([denied], options)
    : await appendPatiently(deps, [denied], { ...options, signal });
  const [first] = records; // an answer that was faster
  return first?.event.type === "ApprovalResolvedEvent" ? first.event : denied;
}
