import { McpConnection } from "../agent/mcp/mcp-connection.ts";
import { endpointOf, type McpEndpointDeps } from "../agent/mcp/mcp-endpoint.ts";
import { McpFault } from "../agent/mcp/mcp-fault.ts";
import type { Redactor } from "../agent/redact.ts";
import type { McpServerConfig } from "../workspace/mcp-config.ts";
import { type Finding, ok, problem } from "./finding.ts";

export interface CheckMcpDeps extends McpEndpointDeps {
  readonly redactor: Redactor;
}

/** Starts or reaches a server for as long as it takes to ask for its tools. */
export async function checkMcp(id: string, config: McpServerConfig, deps: CheckMcpDeps): Promise<Finding> {
  const check = `MCP server ${id}`;
  const forever = new AbortController(); // it has a limit of its own
  try {
    const onToolsChanged = (): void => undefined;
    const connection = await McpConnection.open(endpointOf(config), { ...deps, onToolsChanged }, forever.signal);
    const count = connection.tools.length;
    await connection.close();
    return ok(check, `answers with ${count} ${count === 1 ? "tool" : "tools"}`);
  } catch (cause) {
    if (!(cause instanceof McpFault)) throw cause;
    const printed = lastLine(deps.redactor.redact(cause.printed.trim()));
    return problem(check, printed === "" ? cause.message : `${cause.message}; it printed: ${printed}`);
  }
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}
