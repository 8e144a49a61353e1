import type { SessionView } from "@my-bot/protocol";
import { useEffect, useState } from "react";
import { useBot } from "./bot.tsx";
import { isNotFound } from "./errors.ts";

interface Answer {
  readonly sessionId: string;
  readonly session: SessionView | "missing";
}

/** The selected session: from the list, or asked for by itself when the list does not reach back to it. */
export function useSession(
  sessionId: string | null,
  list: readonly SessionView[] | null,
): SessionView | "missing" | null {
  const { client, reportError } = useBot();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const listed = list?.find((session) => session.session_id === sessionId);
  const isUnlisted = sessionId !== null && list !== null && listed === undefined;
  useEffect(() => {
    if (!isUnlisted) return;
    client.sessions.get(sessionId).then(
      (session) => setAnswer({ sessionId, session }),
      (cause: unknown) => (isNotFound(cause) ? setAnswer({ sessionId, session: "missing" }) : reportError(cause)),
    );
  }, [client, isUnlisted, sessionId, reportError]);
  return listed ?? (answer?.sessionId === sessionId ? answer.session : null);
}
