import { join } from "node:path";
import { Redactor } from "../agent/redact.ts";
import type { ModelConfig } from "../workspace/config.ts";
import { ConfigError } from "../workspace/config-error.ts";
import type { Environment } from "../workspace/load-config.ts";
import { openWorkspace, type Workspace } from "../workspace/open-workspace.ts";
import { checkMcp } from "./check-mcp.ts";
import { checkModel } from "./check-model.ts";
import { checkModes } from "./check-modes.ts";
import { checkPort } from "./check-port.ts";
import { checkStore } from "./check-store.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface DoctorOptions {
  readonly workspaceDir: string;
  readonly env: Environment;
  readonly nodeVersion: string; // "24.1.0"
  readonly webDir: string | undefined;
}

const NEEDED_NODE = 24;

/** Looks at everything that a server needs, one after the other, and changes nothing; MCP servers are started for it (SPEC CLI11). */
export async function* runDoctor(options: DoctorOptions): AsyncGenerator<Finding> {
  yield checkNode(options.nodeVersion);
  yield options.webDir === undefined
    ? warning("web app", "is not built, the other doors work; build it with: npm run build")
    : ok("web app", "is built");
  const opened = await openWorkspace(options.workspaceDir, options).catch((cause: unknown) => cause);
  if (!isWorkspace(opened)) {
    yield explainFault(opened);
    return;
  }
  yield* describeWorkspace(opened);
  const { dir, config } = opened;
  yield* checkModes(dir, [config.event_path, config.logging_path]);
  yield checkStore(join(dir, config.event_path));
  yield await checkPort(config.api);
  for (const llm of distinctModels(opened)) yield await checkModel(llm);
  const redactor = new Redactor();
  redactor.add(opened.secrets);
  const deps = { workspaceDir: dir, env: options.env, redactor };
  for (const [id, server] of Object.entries(config.mcp.servers)) yield await checkMcp(id, server, deps);
}

/** Agents may have a provider of their own, and each provider fallbacks. */
function distinctModels({ config, agents }: Workspace): Iterable<ModelConfig> {
  const configured = [config.llm, ...[...agents.values()].map(({ llm }) => llm)];
  const all = configured.flatMap((llm) => (llm.provider === "offline" ? [llm] : [llm, ...llm.fallbacks]));
  return new Map(all.map((llm) => [`${llm.provider} ${llm.api_base} ${llm.api_key} ${llm.model}`, llm])).values();
}

function checkNode(version: string): Finding {
  if (Number(version.split(".")[0]) >= NEEDED_NODE) return ok("Node", version);
  return problem("Node", `${version} is too old; install Node ${NEEDED_NODE} or newer`);
}

function isWorkspace(opened: unknown): opened is Workspace {
  return typeof opened === "object" && opened !== null && "config" in opened;
}

function explainFault(cause: unknown): Finding {
  if (cause instanceof ConfigError) return problem("configuration", cause.message);
  return problem("workspace", cause instanceof Error ? cause.message : String(cause));
}

function describeWorkspace({ dir, agents, skills, warnings }: Workspace): Finding[] {
  return [
    ok("configuration", "is valid"),
    ok("workspace", `${dir}: ${agents.size} agents, ${skills.size} skills`),
    ...warnings.map((text) => warning("workspace", text)),
  ];
}
