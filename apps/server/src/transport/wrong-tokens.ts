import { LRUCache } from "lru-cache";

const MAX_WRONG = 10;
const WINDOW_MS = 60_000;
const MAX_SENDERS = 10_000;

/** How long a sender of wrong tokens is not listened to. */
export const BLOCKED_SECONDS = 300;

/**
 * Counts wrong tokens by sender: after ten in a minute even the right one is not accepted from there for five minutes, or
 * guessing would still pay (SPEC DOOR10). Without a sender, for programs that could read the token, nothing is counted.
 */
export class WrongTokens {
  readonly #counts: LRUCache<string, number>;

  /** `now` in milliseconds. */
  constructor(now = () => performance.now()) {
    const keeping = { max: MAX_SENDERS, ttl: WINDOW_MS, noUpdateTTL: true };
    this.#counts = new LRUCache({ ...keeping, ttlResolution: 0, perf: { now } });
  }

  count(sender: string | undefined): void {
    if (sender === undefined || this.isBlocked(sender)) return;
    const count = (this.#counts.get(sender) ?? 0) + 1;
    const isLast = count === MAX_WRONG;
    this.#counts.set(sender, count, isLast ? { ttl: BLOCKED_SECONDS * 1000, noUpdateTTL: false } : {});
  }

  isBlocked(sender: string | undefined): boolean {
    return sender !== undefined && (this.#counts.get(sender) ?? 0) >= MAX_WRONG;
  }
}
