import type { Cursor, EventRecord, EventType } from "@my-bot/protocol";
import { explainFailure } from "./client-error.ts";
import type { Connection } from "./connection.ts";
import { EventFeed } from "./event-feed.ts";
import { backoffMs, eitherSignal, sleep } from "./retry.ts";

/** Which events to follow, and from where. */
export interface EventsOptions {
  /** Resume after this cursor; `"0"` is the beginning of the log. Absent: live from now. */
  readonly after?: Cursor | undefined;
  /** Only this session. */
  readonly session_id?: string | undefined;
  /** Only the sessions of this source: a bare client id, as in `send`. */
  readonly source?: string | undefined;
  /** Only these types. `SyncedEvent` and `GapEvent` come in any case. */
  readonly types?: readonly EventType[] | undefined;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Subscribes again, from the last record it gave out, whenever a subscription ends that should not have: a slow reader
 * filled its queue, the server stopped it or refused it for now. Lost sockets are resumed by the tRPC client itself.
 */
export async function* streamEvents(
  connection: Connection,
  { after, signal: ownSignal, ...filter }: EventsOptions,
): AsyncGenerator<EventRecord, void, undefined> {
  const signal = eitherSignal(connection.closing, ownSignal);
  let cursor = after;
  let failures = 0;
  while (!signal.aborted) {
    const feed = openFeed(connection, { ...filter, after: cursor }, signal);
    try {
      for await (const record of feed.records()) {
        if (signal.aborted) return;
        cursor = record.cursor;
        failures = 0;
        yield record;
      }
    } finally {
      feed.stop();
    }
    if (feed.failure !== undefined) throwIfRefused(feed.failure);
    failures += feed.isFull ? 0 : 1;
    await sleep(backoffMs(failures), signal).catch(() => undefined); // aborted: the loop ends
  }
}

function openFeed(connection: Connection, filter: EventsOptions, signal: AbortSignal): EventFeed {
  const { after, session_id, source, types } = filter;
  const input = { lastEventId: after, session_id, source, types: types && [...types] };
  return new EventFeed((observer) => connection.trpc.events.subscribe(input, { ...observer, signal }));
}

function throwIfRefused(cause: unknown): void {
  const failure = explainFailure(cause);
  if (failure.kind === "refused") throw failure.error;
}
