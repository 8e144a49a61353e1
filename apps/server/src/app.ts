import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { InfoView } from "@my-bot/protocol";
import { createAgentRuns, runAgentWorker } from "./agent/agent-worker.ts";
import { TokenCounter } from "./agent/context/token-counter.ts";
import { createDispatcher } from "./agent/dispatcher.ts";
import { McpServers, type McpServersDeps } from "./agent/mcp/mcp-servers.ts";
import { createReadyAgents, type ReadyAgentsDeps } from "./agent/ready-agents.ts";
import { Redactor } from "./agent/redact.ts";
import { killLeftProcesses } from "./agent/tools/call-processes.ts";
import { type NetworkPolicy, publicInternet } from "./agent/web/network-policy.ts";
import { runRetention } from "./bus/retention.ts";
import { openSqliteBus } from "./bus/sqlite-bus.ts";
import { openSqliteStore } from "./bus/sqlite-store.ts";
import { systemClock } from "./cron/clock.ts";
import { runCrons } from "./cron/run-crons.ts";
import { createGateway } from "./gateway.ts";
import { createServerLog } from "./server-log.ts";
import { openSqliteApprovals } from "./session/sqlite-approvals.ts";
import { openSqliteAttachments } from "./session/sqlite-attachments.ts";
import { openSqliteSessions } from "./session/sqlite-sessions.ts";
import { startHttpServer } from "./transport/http-server.ts";
import type { ApiConfig } from "./workspace/config.ts";
import { ConfigError } from "./workspace/config-error.ts";
import { openDataFolder } from "./workspace/data-folder.ts";
import { LiveWorkspace } from "./workspace/live-workspace.ts";
import { openWorkspace, type Workspace } from "./workspace/open-workspace.ts";
import { createRuntimeConfig } from "./workspace/runtime-config.ts";

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
  /** Which pages the model may read: those of the public internet unless told. */
  readonly policy?: NetworkPolicy | undefined;
  /** One line for the terminal, now or later: what was skipped, is unsafe, was edited. */
  readonly report: Report;
}

type Report = (line: string, level: "info" | "warn") => void;

export interface RunningApp {
  readonly url: string;
  readonly info: InfoView;
  /** Sends clients away and stops; what is not answered yet is answered after the next start. */
  close(): Promise<void>;
}

const PROTOCOL_VERSION = 1;
const DAY_SECONDS = 24 * 60 * 60;
const VERSION = readVersion();
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** Puts the parts together and starts them. Throws ConfigError, StoreError, or the listening socket's error. */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { env, webDir, policy = publicInternet } = options;
  const workspace = await openWorkspace(options.workspaceDir, { env });
  const api = effectiveApi(workspace, options);
  const redactor = new Redactor();
  redactor.add(workspace.secrets);
  const log = createServerLog(openDataFolder(join(workspace.dir, workspace.config.logging_path)), redactor);
  const onError = (error: unknown): void => log.error(error);
  const report: Report = (line, level) => {
    log[level](line);
    options.report(redactor.redact(line), level);
  };
  const live = new LiveWorkspace(workspace, { env, report, onError });
  const core = await startCore(live, { env, policy, redactor, onError, report, log: (line) => log.info(line) });
  const { gateway, draining } = core;
  const server = await startHttpServer({ gateway, api, webDir, onError, draining }).catch(async (cause) => {
    await core.drain(0);
    await core.close();
    throw cause;
  });
  for (const warning of workspace.warnings) report(warning, "warn");
  core.use(workspace); // starts programs, which nobody should have to wait for
  live.watch((next) => {
    const { token } = effectiveApi(next, options);
    redactor.add(next.secrets);
    core.use(next);
    server.changeToken(token);
  });
  const info = gateway.info();
  log.info({ url: server.url, llm: info.llm }, "listening");
  return {
    url: server.url,
    info,
    close: async () => {
      const edits = live.close();
      await core.drain(api.drain_seconds * 1000); // while whoever waits for an answer is still connected
      await edits;
      await server.close();
      await core.close();
      log.info("stopped");
    },
  };
}

type CoreDeps = Pick<ReadyAgentsDeps, "env" | "policy" | "redactor" | "onError"> &
  Pick<McpServersDeps, "report" | "log">;

/** All that is behind the doors: the log, the agents that answer it, and the gateway. */
async function startCore(live: LiveWorkspace, deps: CoreDeps) {
  const { dir, config } = live.current;
  const { report, onError } = deps;
  const store = openSqliteStore(openDataFolder(join(dir, config.event_path)));
  await killLeftProcesses(dir); // before the runs they belong to go on; this server alone has the store
  const sessions = openSqliteSessions(store);
  const approvals = openSqliteApprovals(store);
  const attachments = openSqliteAttachments(store);
  const bus = openSqliteBus(store, [sessions, approvals, attachments]);
  const drain = new AbortController();
  const stop = new AbortController();
  const workspace = () => live.current;
  const worker = {
    bus,
    sessions,
    approvals,
    workspace,
    findAgent: (agentId: string) => agents.get(agentId),
    runtimeConfig: createRuntimeConfig(dir),
    tokens: new TokenCounter(),
    redactor: deps.redactor,
    onError,
  };
  const runs = createAgentRuns(worker, stop.signal);
  const refresh = (workspace: Workspace): void => {
    agents = createReadyAgents(workspace, readyDeps);
  };
  const mcp = new McpServers({ ...deps, workspaceDir: dir, onChange: () => refresh(live.current) });
  const readyDeps = {
    ...deps,
    bus,
    sessions,
    attachments,
    mcp,
    dispatcher: createDispatcher({ bus, sessions, runs, onError }),
  };
  let agents = createReadyAgents(live.current, readyDeps);
  const working = runAgentWorker(worker, runs, stop.signal);
  const keep = () => ({ limits: live.current.config.events.keep, changed: live.replaced });
  const removeUnused = (): void => attachments.removeUnused(Date.now() / 1000 - DAY_SECONDS);
  const keeping = runRetention({ bus, keep, removeUnused, onError }, stop.signal);
  const cronDeps = { bus, sessions, clock: systemClock, workspace: () => live, report, onError };
  const sending = runCrons(cronDeps, AbortSignal.any([stop.signal, drain.signal]));
  const info = () => describe(live, mcp);
  return {
    gateway: createGateway({ bus, sessions, approvals, attachments, runs, workspace, info, draining: drain.signal }),
    draining: drain.signal,
    /** For the runs that begin from now on. */
    use: (next: Workspace): void => {
      mcp.use(next.config.mcp);
      refresh(next);
      runs.refreshConcurrency();
    },
    drain: (graceMs: number): Promise<void> => {
      drain.abort();
      return runs.close(graceMs);
    },
    close: async (): Promise<void> => {
      stop.abort();
      await Promise.all([working, keeping, sending, mcp.close()]);
      await bus.close();
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

function describe(live: LiveWorkspace, mcp: McpServers): InfoView {
  const {
    current: { config, isOffline },
    loadedAt,
    problem,
  } = live;
  const { content_bytes, frame_bytes, attachment_bytes } = config.api.limits;
  return {
    name: "my-bot",
    version: VERSION,
    protocol_version: PROTOCOL_VERSION,
    features: ["abort", "approvals", "attachments", "sessions", "resume", "idempotent-send"],
    llm: { mode: isOffline ? "offline" : "online", provider: config.llm.provider, model: config.llm.model },
    default_agent: config.default_agent,
    limits: { content_bytes, frame_bytes, attachment_bytes },
    workspace: { loaded_at: loadedAt, problem },
    mcp: mcp.views(),
  };
}

function readVersion(): string {
  const file: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return file.version;
}
