import type { Gateway } from "@my-bot/protocol";
import { openSqliteBus, type PrunableBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore, type SqliteStore } from "../../src/bus/sqlite-store.ts";
import { createGateway } from "../../src/gateway.ts";
import { openSqliteApprovals } from "../../src/session/sqlite-approvals.ts";
import { openSqliteAttachments } from "../../src/session/sqlite-attachments.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import type { AgentDefinition } from "../../src/workspace/agent-definition.ts";
import type { Config } from "../../src/workspace/config.ts";
import type { Workspace } from "../../src/workspace/open-workspace.ts";

export interface BareGateway {
  readonly gateway: Gateway;
  readonly bus: PrunableBus;
  readonly store: SqliteStore;
}

/** An agent's definition, but for its model. */
export const PICKLE = {
  agentId: "pickle",
  name: "Pickle",
  description: "",
  systemPrompt: "",
  allowSkills: false,
  allowBash: false,
  maxConcurrency: 1,
};

/** A workspace as if it had been read from `dir`, with Pickle only. */
export function bareWorkspace(dir: string, config: Config): Workspace {
  const agents = new Map<string, AgentDefinition>([["pickle", { ...PICKLE, llm: config.llm }]]);
  return {
    dir,
    config,
    agents,
    skills: new Map(),
    crons: new Map(),
    promptFiles: new Map(),
    warnings: [],
    isOffline: true,
    hasUserConfig: true,
    secrets: [],
  };
}

/** A gateway on a real log in `dir`, behind which nobody answers: for what happens between the doors and the log. */
export function openBareGateway(dir: string, config: Config): BareGateway {
  const store = openSqliteStore(dir);
  const sessions = openSqliteSessions(store);
  const approvals = openSqliteApprovals(store);
  const attachments = openSqliteAttachments(store);
  const bus = openSqliteBus(store, [sessions, approvals, attachments]);
  const workspace = bareWorkspace(dir, config);
  const { content_bytes, frame_bytes, attachment_bytes } = config.api.limits;
  const gateway = createGateway({
    bus,
    sessions,
    approvals,
    attachments,
    runs: { abort: () => Promise.resolve([]), isRunning: () => false },
    workspace: () => workspace,
    info: () => ({
      name: "my-bot",
      version: "0",
      protocol_version: 1,
      features: [],
      llm: { mode: "offline", provider: "offline", model: "offline" },
      default_agent: "pickle",
      limits: { content_bytes, frame_bytes, attachment_bytes },
      workspace: { loaded_at: 0, problem: null },
      mcp: [],
    }),
    draining: new AbortController().signal,
  });
  return { gateway, bus, store };
}
