import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { InfoView } from "@my-bot/protocol";
import type { ReadyAgent } from "./agent/agent-loop.ts";
import { createAgentRuns, runAgentWorker } from "./agent/agent-worker.ts";
import { createOpenAiModel } from "./agent/llm.ts";
import { createOfflineModel } from "./agent/offline-model.ts";
import { buildSystemPrompt } from "./agent/system-prompt.ts";
import { createReadTool } from "./agent/tools/read.ts";
import { createToolRegistry } from "./agent/tools/registry.ts";
import { createSkillTool } from "./agent/tools/skill.ts";
import { runRetention } from "./bus/retention.ts";
import { openSqliteBus } from "./bus/sqlite-bus.ts";
import { openSqliteStore } from "./bus/sqlite-store.ts";
import { createGateway } from "./gateway.ts";
import { createServerLog } from "./server-log.ts";
import { openSqliteSessions } from "./session/sqlite-sessions.ts";
import { startHttpServer } from "./transport/http-server.ts";
import type { AgentDefinition } from "./workspace/agent-definition.ts";
import type { ApiConfig } from "./workspace/config.ts";
import { ConfigError } from "./workspace/config-error.ts";
import { openDataFolder } from "./workspace/data-folder.ts";
import { openWorkspace, type Workspace } from "./workspace/open-workspace.ts";

export interface AppOptions {
  readonly workspaceDir: string;
  /** Each wins over the configuration. */
  readonly host?: string | undefined;
  readonly port?: number | undefined; // 0: any free one
  readonly allowedOrigins?: readonly string[] | undefined; // in addition
  /** Where `${NAME}` in configuration values comes from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The exported web app; absent: one sentence in its place. */
  readonly webDir?: string | undefined;
}

export interface RunningApp {
  readonly url: string;
  readonly info: InfoView;
  /** One line each: what was skipped or is unsafe. */
  readonly warnings: readonly string[];
  /** Sends clients away and stops; what is not answered yet is answered after the next start. */
  close(): Promise<void>;
}

const PROTOCOL_VERSION = 1;
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** Puts the parts together and starts them. Throws ConfigError, StoreError, or the listening socket's error. */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const workspace = await openWorkspace(options.workspaceDir, { env: options.env });
  const api = effectiveApi(workspace, options);
  const log = createServerLog(openDataFolder(join(workspace.dir, workspace.config.logging_path)));
  for (const warning of workspace.warnings) log.warn(warning);
  const onError = (error: unknown): void => log.error(error);

  const store = openSqliteStore(openDataFolder(join(workspace.dir, workspace.config.event_path)));
  const sessions = openSqliteSessions(store);
  const bus = openSqliteBus(store, [sessions]);
  const drain = new AbortController();
  const stop = new AbortController();
  const agents = readyAgents(workspace);
  const worker = { bus, sessions, agents, onError };
  const runs = createAgentRuns(worker, stop.signal);
  const info = describe(workspace);
  const gateway = createGateway({ bus, sessions, runs, workspace, info, draining: drain.signal });
  const working = runAgentWorker(worker, runs, stop.signal);
  const keeping = runRetention({ bus, keep: workspace.config.events.keep, onError }, stop.signal);

  const closeLog = async (): Promise<void> => {
    stop.abort();
    await Promise.all([working, keeping]);
    await bus.close();
  };
  const doors = { gateway, api, webDir: options.webDir, onError, draining: drain.signal };
  const server = await startHttpServer(doors).catch(async (cause) => {
    await runs.close(0);
    await closeLog();
    throw cause;
  });
  log.info({ url: server.url, llm: info.llm }, "listening");
  return {
    url: server.url,
    info,
    warnings: workspace.warnings,
    close: async () => {
      drain.abort();
      await runs.close(api.drain_seconds * 1000); // while whoever waits for an answer is still connected
      await server.close();
      await closeLog();
      log.info("stopped");
    },
  };
}

function effectiveApi({ config }: Workspace, options: AppOptions): ApiConfig {
  const api: ApiConfig = {
    ...config.api,
    host: options.host ?? config.api.host,
    port: options.port ?? config.api.port,
    allowed_origins: [...config.api.allowed_origins, ...(options.allowedOrigins ?? [])],
  };
  if (LOOPBACK.has(api.host) || api.token !== undefined) return api;
  throw new ConfigError(
    { file: "config.user.yaml", key: "api.host" },
    `${api.host} is reachable from other machines; set api.token (24 characters or more), or use 127.0.0.1`,
  );
}

function readyAgents(workspace: Workspace): ReadonlyMap<string, ReadyAgent> {
  const offline = createOfflineModel();
  const ready = [...workspace.agents.values()].map((definition): [string, ReadyAgent] => [
    definition.agentId,
    {
      definition,
      systemPrompt: buildSystemPrompt(definition, workspace.skills.values()),
      model: definition.llm.provider === "offline" ? offline : createOpenAiModel(definition.llm),
      tools: createToolRegistry(toolsOf(workspace, definition)),
    },
  ]);
  return new Map(ready);
}

function toolsOf({ dir, config, skills }: Workspace, { allowSkills }: AgentDefinition) {
  const read = createReadTool({
    workspaceDir: dir,
    privatePaths: [config.event_path, config.history_path, config.logging_path],
  });
  return allowSkills ? [read, createSkillTool(skills)] : [read];
}

function describe({ config, isOffline }: Workspace): InfoView {
  const { content_bytes, frame_bytes } = config.api.limits;
  return {
    name: "my-bot",
    version: readVersion(),
    protocol_version: PROTOCOL_VERSION,
    features: ["abort", "sessions", "resume", "idempotent-send"],
    llm: { mode: isOffline ? "offline" : "online", provider: config.llm.provider, model: config.llm.model },
    default_agent: config.default_agent,
    limits: { content_bytes, frame_bytes },
  };
}

function readVersion(): string {
  const file: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return file.version;
}
