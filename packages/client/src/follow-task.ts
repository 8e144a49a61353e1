import type { Cursor, DispatchEvent, EventRecord } from "@my-bot/protocol";
import type { EventsOptions } from "./event-stream.ts";

export interface FollowTaskOptions {
  readonly after: Cursor;
  events(options: EventsOptions): AsyncIterable<EventRecord>;
  /** Gets what the child asks for, and its own dispatches. */
  readonly take: (record: EventRecord) => void;
  readonly signal: AbortSignal;
}

const TYPES = ["DispatchEvent", "ApprovalRequestedEvent", "ApprovalResolvedEvent", "OutboundEvent"] as const;

/** Follows a task that an agent gave to another, until it is done or `signal` aborts; never rejects. */
export async function followTask(
  { session_id, child_run_id }: DispatchEvent,
  { after, events, take, signal }: FollowTaskOptions,
): Promise<void> {
  try {
    for await (const record of events({ after, session_id, types: TYPES, signal })) {
      const { event } = record;
      if (!("run_id" in event) || event.run_id !== child_run_id) continue;
      take(record);
      if (event.type === "OutboundEvent") return;
    }
  } catch {
    // The connection has failed for good: whoever asks is told by the answer that it waits for.
  }
}
