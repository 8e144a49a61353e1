import type { Tool as ListedTool } from "@modelcontextprotocol/client";
import * as z from "zod";
import type { McpServerConfig } from "../../workspace/mcp-config.ts";
import type { Tool, ToolResult } from "../tools/tool.ts";
import { McpFault } from "./mcp-fault.ts";
import { toToolResult } from "./mcp-result.ts";
import type { McpServer } from "./mcp-server.ts";
import { mcpToolName } from "./mcp-tool-name.ts";

const MAX_TOOLS = 128; // of one server: more than a provider takes in all
const MAX_DESCRIPTION_CHARS = 4096;
const MAX_SCHEMA_CHARS = 64 * 1024;

/** Any JSON object: the server knows what it takes. */
const AnyObject = z.looseObject({});

/** What the model may call of a server, by our names. */
export function mcpTools(id: string, server: McpServer, config: McpServerConfig): Tool[] {
  const tools = server.tools
    .filter(({ name }) => approvalOf(config, name) !== "deny")
    .filter(({ inputSchema }) => JSON.stringify(inputSchema).length <= MAX_SCHEMA_CHARS)
    .slice(0, MAX_TOOLS)
    .map((listed) => mcpTool(id, listed, { server, config }));
  // a server that lists two tools of one name has the first
  return [...new Map(tools.toReversed().map((tool) => [tool.name, tool])).values()].toReversed();
}

function approvalOf({ tools, approval }: McpServerConfig, toolName: string) {
  return Object.hasOwn(tools, toolName) ? tools[toolName] : approval;
}

interface McpToolContext {
  readonly server: McpServer;
  readonly config: McpServerConfig;
}

function mcpTool(id: string, listed: ListedTool, { server, config }: McpToolContext): Tool {
  const { name, title, description = title ?? "", inputSchema, annotations } = listed;
  return {
    name: mcpToolName(id, name),
    description: description.slice(0, MAX_DESCRIPTION_CHARS),
    input: AnyObject,
    parameters: { ...inputSchema },
    isReadOnly: config.trust_read_only && annotations?.readOnlyHint === true,
    approval: approvalOf(config, name) === "allow" ? "allow" : "ask",
    timeoutMs: config.timeout_seconds * 1000,
    run: async (input, signal) => {
      try {
        return toToolResult(await server.call({ name, arguments: input }, signal));
      } catch (cause) {
        if (cause instanceof McpFault) return failure(id, cause);
        throw cause;
      }
    },
  };
}

function failure(id: string, { message }: McpFault): ToolResult {
  const content = `The MCP server "${id}" ${message}. Whether this call took effect is unknown.`;
  return { content, is_error: true };
}
