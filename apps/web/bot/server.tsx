"use client";

import type { AgentView, CommandView, InfoView } from "@my-bot/protocol";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useBot } from "./bot.tsx";
import { useConnection } from "./use-connection.ts";

export interface Server {
  readonly info: InfoView;
  readonly agents: readonly AgentView[];
  readonly commands: readonly CommandView[];
}

const ServerContext = createContext<Server | null>(null);

/** What the server says of itself; null until it has. */
export function useServer(): Server | null {
  return useContext(ServerContext);
}

const EVERY_MS = 10_000;

/** Asks again at every connection and from time to time: an edit of the workspace may bring another model. */
export function ServerProvider({ children }: { children: ReactNode }) {
  const { client, reportError } = useBot();
  const connection = useConnection();
  const [server, setServer] = useState<Server | null>(null);
  useEffect(() => {
    if (connection !== "live") return;
    const ask = (): void => {
      Promise.all([client.info(), client.agents.list(), client.commands.list()]).then(
        ([info, agents, commands]) => setServer({ info, agents, commands }),
        reportError,
      );
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => clearInterval(timer);
  }, [client, connection, reportError]);
  return <ServerContext value={server}>{children}</ServerContext>;
}

/** Does the agent's model take images? */
export function takesImages(server: Server | null, agentId: string | undefined): boolean {
  const id = agentId ?? server?.info.default_agent;
  return server?.agents.find((agent) => agent.agent_id === id)?.images ?? false;
}

export function agentName(server: Server | null, agentId: string | null | undefined): string {
  const id = agentId ?? server?.info.default_agent ?? "pickle";
  const name = server?.agents.find((agent) => agent.agent_id === id)?.name;
  return name ?? id.charAt(0).toUpperCase() + id.slice(1);
}
