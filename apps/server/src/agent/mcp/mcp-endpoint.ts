import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Environment } from "../../workspace/load-config.ts";
import type { McpServerConfig } from "../../workspace/mcp-config.ts";
import { limitLines } from "../limit-lines.ts";
import { childEnvironment } from "../tools/child-environment.ts";
import { McpFault } from "./mcp-fault.ts";
import { MAX_MESSAGE_BYTES, StdioTransport } from "./stdio-transport.ts";

export interface McpEndpointDeps {
  readonly workspaceDir: string;
  /** The server's: programs get what is named of it. */
  readonly env: Environment;
}

/** Where a server is: what it has to be started anew for when it changes. */
export type McpEndpoint = Pick<McpServerConfig, "command" | "args" | "env" | "cwd" | "url" | "headers">;

export function endpointOf({ command, args, env, cwd, url, headers }: McpServerConfig): McpEndpoint {
  return { command, args, env, cwd, url, headers };
}

/** Throws McpFault when the configuration leads nowhere. */
export async function openTransport(
  { command, args, env, cwd, url, headers }: McpEndpoint,
  deps: McpEndpointDeps,
): Promise<StdioTransport | StreamableHTTPClientTransport> {
  if (command === undefined) {
    const options = { requestInit: { headers }, fetch: fetchWithLineLimit };
    return new StreamableHTTPClientTransport(new URL(url ?? ""), options);
  }
  return new StdioTransport({
    command,
    args,
    cwd: await realFolder(deps.workspaceDir, cwd),
    env: childEnvironment(deps.env, env),
    workspaceDir: deps.workspaceDir,
  });
}

/** The SDK would gather an answer of any length in memory. */
async function fetchWithLineLimit(url: string | URL, init?: RequestInit): Promise<Response> {
  const tooLong = (): Error => new McpFault("sends a message that is too long");
  return limitLines(await fetch(url, init), { maxBytes: MAX_MESSAGE_BYTES, tooLong });
}

/** Links are followed, as far as they stay inside. */
async function realFolder(workspaceDir: string, path: string): Promise<string> {
  const root = await realpath(workspaceDir);
  const folder = await realpath(join(root, path)).catch(() => undefined);
  const isFolder = folder !== undefined && (await stat(folder)).isDirectory();
  if (isFolder && (folder + sep).startsWith(root + sep)) return folder;
  throw new McpFault(`cannot be started: ${path} is no folder of the workspace; check cwd`);
}
