import type { ApprovalRequestedEvent, EventType } from "@my-bot/protocol";
import { useCallback, useState } from "react";
import { useBot } from "./bot.tsx";
import { useRefreshed } from "./use-refreshed.ts";

const TYPES: readonly EventType[] = ["ApprovalRequestedEvent", "ApprovalResolvedEvent", "SessionEvent"];

/** The requests of all conversations that wait for an answer, read again whenever one comes or goes. */
export function useOpenApprovals(): readonly ApprovalRequestedEvent[] {
  const { client, reportError } = useBot();
  const [requests, setRequests] = useState<readonly ApprovalRequestedEvent[]>([]);
  const read = useCallback(() => {
    client.approvals.list().then(setRequests, reportError);
  }, [client, reportError]);
  useRefreshed(read, TYPES);
  return requests;
}
