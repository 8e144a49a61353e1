import type { MyBotClient } from "@my-bot/client";
import type { EventType, SessionView } from "@my-bot/protocol";
import { useCallback, useState } from "react";
import { useBot } from "./bot.tsx";
import { useRefreshed } from "./use-refreshed.ts";

export interface SessionList {
  readonly sessions: readonly SessionView[] | null; // null: not yet known
  readonly hasMore: boolean;
  showMore(): void;
}

const PAGE_SIZE = 50;
const TYPES: readonly EventType[] = ["InboundEvent", "OutboundEvent", "PostedEvent", "SessionEvent"];

/** All sessions, newest first, read again whenever something happens to one. */
export function useSessions(): SessionList {
  const { client, reportError } = useBot();
  const [wanted, setWanted] = useState(PAGE_SIZE);
  const [list, setList] = useState<{ sessions: readonly SessionView[] | null; hasMore: boolean }>({
    sessions: null,
    hasMore: false,
  });

  const read = useCallback(() => {
    readSessions(client, wanted).then(setList, reportError);
  }, [client, wanted, reportError]);
  useRefreshed(read, TYPES);

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
