import type { ApprovalRequestedEvent } from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";

/** The requests of the log that wait for an answer, of runs that go on. Rules: SPEC APR. */
export interface ApprovalStore {
  find(approvalId: string): LogRecord<ApprovalRequestedEvent> | undefined;
  /** Oldest first, 500 at most; of one session, or of all. */
  list(sessionId?: string): ApprovalRequestedEvent[];
}
