import type { MyBotClient } from "@my-bot/client";
import type { BotEvent, EventType } from "@my-bot/protocol";

export interface FollowOptions {
  readonly client: MyBotClient;
  readonly after?: string;
  readonly session_id?: string;
  readonly types?: EventType[];
  /** Gets what came in the last few milliseconds, so that a long backlog is one rendering. */
  onEvents(events: readonly BotEvent[]): void;
  onError(cause: unknown): void;
}

const BATCH_MS = 25;
const RETRY_MS = 2_000;

/** Follows the log until `signal` aborts. The client resumes by itself; a refused subscription is tried again. */
export async function followEvents(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { client, onEvents, onError, ...filter } = options;
  let batch: BotEvent[] = [];
  const flush = (): void => {
    const events = batch;
    batch = [];
    if (!signal.aborted) onEvents(events);
  };
  while (!signal.aborted) {
    try {
      for await (const { event } of client.events({ ...filter, signal })) {
        if (batch.length === 0) setTimeout(flush, BATCH_MS);
        batch.push(event);
      }
    } catch (cause) {
      if (!signal.aborted) onError(cause);
    }
    await new Promise((resolve) => setTimeout(resolve, signal.aborted ? 0 : RETRY_MS));
  }
}
