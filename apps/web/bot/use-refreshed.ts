import type { EventType } from "@my-bot/protocol";
import { useEffect } from "react";
import { useBot } from "./bot.tsx";
import { followEvents } from "./follow-events.ts";
import { useConnection } from "./use-connection.ts";
import { useThrottled } from "./use-throttled.ts";

const REFRESH_MS = 300; // at most this often, however much is going on

/** Calls `read` when the connection is there, and again whenever an event of these types comes. Both have to be stable. */
export function useRefreshed(read: () => void, types: readonly EventType[]): void {
  const { client, reportError } = useBot();
  const connection = useConnection();
  const refresh = useThrottled(read, REFRESH_MS);

  useEffect(() => {
    if (connection === "live") read();
  }, [connection, read]);

  useEffect(() => {
    const controller = new AbortController();
    void followEvents({ client, types: [...types], onEvents: refresh, onError: reportError }, controller.signal);
    return () => controller.abort();
  }, [client, types, refresh, reportError]);
}
