"use client";

import { createMyBotClient, type MyBotClient } from "@my-bot/client";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";
import { ProblemNote } from "../components/problem-note.tsx";
import { TokenForm } from "../components/token-form.tsx";
import { serverUrl, WEB_SOURCE } from "./config.ts";
import { adoptDraft } from "./draft.ts";
import { errorText, isNotFound, isRefusal, isUnauthorized } from "./errors.ts";
import { keepToken, readFragment, sessionFragment, takeToken } from "./fragment.ts";
import { Outbox } from "./outbox.ts";

export interface Bot {
  readonly client: MyBotClient;
  readonly outbox: Outbox;
  /** Whoever meets an error tells it here: a missing token is asked for, a refusal is shown. */
  reportError(cause: unknown): void;
}

const BotContext = createContext<Bot | null>(null);

export function useBot(): Bot {
  const bot = useContext(BotContext);
  if (bot === null) throw new Error("useBot needs a BotProvider above it");
  return bot;
}

/** Connects once the page runs in a browser; asks for a token when the server wants one. */
export function BotProvider({ children }: { children: ReactNode }) {
  const [token, setToken] = useState<string | null>(null);
  const [isRefused, setRefused] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [bot, setBot] = useState<Bot | null>(null);

  const reportError = useCallback((cause: unknown) => {
    if (isUnauthorized(cause)) setRefused(true);
    else if (isRefusal(cause)) setProblem(errorText(cause));
  }, []);

  useEffect(() => {
    if (isRefused) return undefined; // nothing more is tried with that token
    const opened = openBot(token ?? takeToken(), reportError);
    setBot(opened);
    return () => {
      setBot(null);
      opened.outbox.close();
      void opened.client.close();
    };
  }, [token, isRefused, reportError]);

  const submitToken = (text: string): void => {
    keepToken(text);
    setToken(text);
    setRefused(false);
  };

  if (isRefused) return <TokenForm isRetry={token !== null} onSubmit={submitToken} />;
  if (bot === null) return null;
  return (
    <BotContext value={bot}>
      {children}
      {problem !== null && <ProblemNote text={problem} onDismiss={() => setProblem(null)} />}
    </BotContext>
  );
}

function openBot(token: string | null, reportError: (cause: unknown) => void): Bot {
  const client = createMyBotClient({ url: serverUrl(), ...(token !== null && { token }) });
  const outbox = new Outbox({
    storage: window.localStorage,
    createSession: () => createSession(client),
    deliver: async ({ content, attachments, session_id, message_id }) => {
      const ids = attachments.map(({ id }) => id);
      await client.send({
        source: WEB_SOURCE,
        content,
        session_id,
        message_id,
        ...(ids.length > 0 && { attachments: ids }),
      });
    },
    explain: (cause) => {
      if (!isUnauthorized(cause)) return { error: errorText(cause), isSessionGone: isNotFound(cause) };
      reportError(cause);
      return null;
    },
    onSessionCreated: (sessionId) => {
      if (readFragment(window.location.hash, "s") !== null) return; // the user is elsewhere by now
      adoptDraft(sessionId);
      window.location.hash = sessionFragment(sessionId);
    },
  });
  return { client, outbox, reportError };
}

const RETRY_MS = 1_000;

/** Unlike `send`, a call that the connection lost is not made again by the client. */
async function createSession(client: MyBotClient): Promise<string> {
  for (;;) {
    try {
      return (await client.sessions.create({ source: WEB_SOURCE })).session_id;
    } catch (cause) {
      if (isRefusal(cause) || client.connection.state === "closed") throw cause;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
