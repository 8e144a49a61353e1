import type { MyBotClient } from "@my-bot/client";
import type { SessionView } from "@my-bot/protocol";
import { useCallback, useEffect, useState } from "react";
import { useBot } from "./bot.tsx";
import { followEvents } from "./follow-events.ts";
import { useConnection } from "./use-connection.ts";
import { useThrottled } from "./use-throttled.ts";

export interface SessionList {
  readonly sessions: readonly SessionView[] | null; // null: not yet known
  readonly hasMore: boolean;
  showMore(): void;
}

const PAGE_SIZE = 50;
const REFRESH_MS = 300; // at most this often, however much is going on

/** All sessions, newest first, read again whenever something happens to one. */
export function useSessions(): SessionList {
  const { client, reportError } = useBot();
  const connection = useConnection();
  const [wanted, setWanted] = useState(PAGE_SIZE);
  const [list, setList] = useState<{ sessions: readonly SessionView[] | null; hasMore: boolean }>({
    sessions: null,
    hasMore: false,
  });

  const read = useCallback(() => {
    readSessions(client, wanted).then(setList, reportError);
  }, [client, wanted, reportError]);
  const refresh = useThrottled(read, REFRESH_MS);

  useEffect(() => {
    if (connection === "live") read();
  }, [connection, read]);

  useEffect(() => {
    const controller = new AbortController();
    void followEvents(
      {
        client,
        types: ["InboundEvent", "OutboundEvent", "PostedEvent", "SessionEvent"],
        onEvents: refresh,
        onError: reportError,
      },
      controller.signal,
    );
    return () => controller.abort();
  }, [client, refresh, reportError]);

  const showMore = useCallback(() => setWanted((count) => count + PAGE_SIZE), []);
  return { ...list, showMore };
}

async function readSessions(client: MyBotClient, wanted: number) {
  const sessions: SessionView[] = [];
  let page: string | undefined;
  do {
    const { sessions: part, next } = await client.sessions.list({ limit: PAGE_SIZE, ...(page && { page }) });
    sessions.push(...part);
    page = next ?? undefined;
  } while (page !== undefined && sessions.length < wanted);
  return { sessions, hasMore: page !== undefined };
}
