import type { ApprovalRequestedEvent, BotEvent } from "@my-bot/protocol";

export type OnApproval = (request: ApprovalRequestedEvent, settled: AbortSignal) => void;

/** The requests of one run that wait for an answer: each is told once, and its end, too (SPEC CLT11). */
export class OpenApprovals {
  readonly #onApproval: OnApproval | undefined;
  readonly #seen = new Map<string, AbortController>(); // by approval_id

  constructor(onApproval: OnApproval | undefined) {
    this.#onApproval = onApproval;
  }

  take(event: BotEvent): void {
    if (event.type === "ApprovalRequestedEvent" && !this.#seen.has(event.approval_id)) {
      const settled = new AbortController();
      this.#seen.set(event.approval_id, settled);
      this.#onApproval?.(event, settled.signal);
    }
    if (event.type === "ApprovalResolvedEvent") this.#seen.get(event.approval_id)?.abort();
  }

  /** Whatever is open has ended with the run. */
  close(): void {
    for (const settled of this.#seen.values()) settled.abort();
  }
}
