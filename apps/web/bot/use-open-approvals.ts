import type { ApprovalRequestedEvent } from "@my-bot/protocol";
import { useCallback, useEffect, useState } from "react";
import { useBot } from "./bot.tsx";
import { followEvents } from "./follow-events.ts";
import { useConnection } from "./use-connection.ts";
import { useThrottled } from "./use-throttled.ts";

const REFRESH_MS = 300;

/** The requests of all conversations that wait for an answer, read again whenever one comes or goes. */
export function useOpenApprovals(): readonly ApprovalRequestedEvent[] {
  const { client, reportError } = useBot();
  const connection = useConnection();
  const [requests, setRequests] = useState<readonly ApprovalRequestedEvent[]>([]);
  const read = useCallback(() => {
    client.approvals.list().then(setRequests, reportError);
  }, [client, reportError]);
  const refresh = useThrottled(read, REFRESH_MS);

  useEffect(() => {
    if (connection === "live") read();
  }, [connection, read]);

  useEffect(() => {
    const controller = new AbortController();
    const types = ["ApprovalRequestedEvent", "ApprovalResolvedEvent", "SessionEvent"] as const;
    void followEvents({ client, types: [...types], onEvents: refresh, onError: reportError }, controller.signal);
    return () => controller.abort();
  }, [client, refresh, reportError]);
  return requests;
}
