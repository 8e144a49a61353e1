import type { LoggedEvent } from "../ledger/ledger.ts";

/** What one power cut broke. */
export interface CutVerdict {
  /** Messages that were acknowledged, and are not in the log as they were acknowledged. */
  readonly lostAcked: number;
  /** Messages that are in the log more than once. */
  readonly doubled: number;
  /** Events that were shown, and are not in the log as they were shown. */
  readonly ghosts: number;
  /** Cursors that were shown, and stand for another event now. */
  readonly idReused: number;
}

/** Compares what was `shown` before a power cut with the log after it. An InboundEvent is its message's acknowledgement. */
export function judgeCut(shown: readonly LoggedEvent[], log: readonly LoggedEvent[]): CutVerdict {
  const byCursor = new Map(log.map((event) => [event.cursor, event.digest]));
  const messages = Map.groupBy(
    log.filter(({ type }) => type === "InboundEvent"),
    ({ messageId }) => messageId,
  );
  const isLost = ({ cursor, digest }: LoggedEvent): boolean => byCursor.get(cursor) !== digest;
  const acked = shown.filter(({ type }) => type === "InboundEvent");
  const cursors = (events: readonly LoggedEvent[]): number => new Set(events.map(({ cursor }) => cursor)).size;
  return {
    lostAcked: new Set(acked.filter(isLost).map(({ messageId }) => messageId)).size,
    doubled: [...messages.values()].reduce((sum, events) => sum + events.length - 1, 0),
    ghosts: new Set(shown.filter(isLost).map(({ cursor, digest }) => `${cursor} ${digest}`)).size,
    idReused: cursors(shown.filter((event) => isLost(event) && byCursor.has(event.cursor))),
  };
}
