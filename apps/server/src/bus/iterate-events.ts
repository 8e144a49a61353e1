import type { EventBatch, EventReader, EventRecord, Following } from "@my-bot/protocol";
import { isEphemeral } from "./live-text.ts";

const MAX_QUEUE = 1024; // records; beyond that the log keeps them

/** Reads as an iterable, until `signal` aborts. Deltas that nobody takes in time are dropped: their text comes again, whole. */
export async function* iterateEvents(
  follow: (reader: EventReader) => Following,
  signal: AbortSignal,
): AsyncGenerator<EventRecord> {
  let queue: EventRecord[] = [];
  let failure: unknown;
  let wake: () => void = () => undefined;
  const take = (batch: EventBatch): boolean => {
    for (const record of batch) queue.push(record);
    const hasRoom = queue.length <= MAX_QUEUE;
    if (!hasRoom) queue = queue.filter(({ event }) => !isEphemeral(event));
    wake();
    return hasRoom;
  };
  const fail = (error: unknown): void => {
    failure = error;
    wake();
  };
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  const following = follow({ take, fail });
  try {
    while (!signal.aborted) {
      const records = queue;
      queue = [];
      for (const record of records) {
        yield record;
        if (signal.aborted) return;
      }
      if (queue.length > 0) continue;
      if (failure !== undefined) throw failure;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      following.resume();
      if (queue.length === 0 && failure === undefined && !signal.aborted) await woken;
    }
  } finally {
    following.stop();
    signal.removeEventListener("abort", onAbort);
  }
}
