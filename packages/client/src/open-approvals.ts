import type { ApprovalRequestedEvent, EventRecord } from "@my-bot/protocol";
import type { EventsOptions } from "./event-stream.ts";
import { followTask } from "./follow-task.ts";

export type OnApproval = (request: ApprovalRequestedEvent, settled: AbortSignal) => void;

export interface OpenApprovalsOptions {
  readonly onApproval: OnApproval | undefined;
  /** For the tasks that the run gives to other agents. */
  events(options: EventsOptions): AsyncIterable<EventRecord>;
  readonly signal: AbortSignal;
}

/**
 * The requests of one run, and of all that it gives to other agents, that wait for an answer: each is told once, and its
 * end, too (SPEC CLT11, AGT7).
 */
export class OpenApprovals {
  readonly #options: OpenApprovalsOptions;
  readonly #seen = new Map<string, AbortController>(); // by approval_id

  constructor(options: OpenApprovalsOptions) {
    this.#options = options;
  }

  take({ cursor, event }: EventRecord): void {
    const { onApproval, events, signal } = this.#options;
    if (event.type === "DispatchEvent" && onApproval) {
      void followTask(event, { after: cursor, events, take: (record) => this.take(record), signal });
    }
    if (event.type === "ApprovalRequestedEvent" && !this.#seen.has(event.approval_id)) {
      const settled = new AbortController();
      this.#seen.set(event.approval_id, settled);
      onApproval?.(event, settled.signal);
    }
    if (event.type === "ApprovalResolvedEvent") this.#seen.get(event.approval_id)?.abort();
  }

  /** Whatever is open has ended with the run. */
  close(): void {
    for (const settled of this.#seen.values()) settled.abort();
  }
}
