import { useEffect, useMemo, useReducer, useSyncExternalStore } from "react";
import { useBot } from "./bot.tsx";
import { followEvents } from "./follow-events.ts";
import type { LocalMessage } from "./outbox.ts";
import { applyEvents, emptyTimeline, type Timeline, unconfirmed } from "./timeline.ts";

/** One session from its first event on. The component that uses it is keyed by the session. */
export function useTimeline(sessionId: string): Timeline {
  const { client, reportError } = useBot();
  const [timeline, apply] = useReducer(applyEvents, emptyTimeline);
  useEffect(() => {
    const controller = new AbortController();
    void followEvents(
      { client, after: "0", session_id: sessionId, onEvents: apply, onError: reportError },
      controller.signal,
    );
    return () => controller.abort();
  }, [client, sessionId, reportError]);
  return timeline;
}

/** What this page has sent into a session (null: a new one) and not yet seen in its timeline. */
export function useLocalMessages(sessionId: string | null, timeline: Timeline): readonly LocalMessage[] {
  const { outbox } = useBot();
  const all = useSyncExternalStore(outbox.subscribe, outbox.messages, outbox.messages);
  const mine = useMemo(() => all.filter((message) => message.session_id === sessionId), [all, sessionId]);
  const waiting = useMemo(() => unconfirmed(timeline, mine), [timeline, mine]);
  useEffect(() => {
    for (const message of mine) {
      if (!waiting.includes(message)) outbox.remove(message.message_id);
    }
  }, [mine, waiting, outbox]);
  return waiting;
}
