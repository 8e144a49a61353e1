import type { ApprovalRequestedEvent } from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";

/** Requests of the log. Rules: SPEC APR. */
export interface ApprovalStore {
  /** One that waits for an answer, of a run that goes on. */
  find(approvalId: string): LogRecord<ApprovalRequestedEvent> | undefined;
  /** Those that wait; oldest first, 500 at most; of one session, or of all. */
  list(sessionId?: string): ApprovalRequestedEvent[];
  /** Those that were allowed for the rest of this session. */
  listAllowed(sessionId: string): ApprovalRequestedEvent[];
}
