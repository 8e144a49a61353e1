import { isDeepStrictEqual } from "node:util";
import type { McpServerView } from "@my-bot/protocol";
import type { McpConfig, McpServerConfig } from "../../workspace/mcp-config.ts";
import type { Tool } from "../tools/tool.ts";
import { endpointOf, type McpEndpointDeps } from "./mcp-endpoint.ts";
import type { McpFault } from "./mcp-fault.ts";
import { McpServer } from "./mcp-server.ts";
import { mcpTools } from "./mcp-tools.ts";

export interface McpServersDeps extends McpEndpointDeps {
  /** Tools came or went. */
  readonly onChange: () => void;
  /** One line for whoever runs the server. */
  readonly report: (line: string, level: "info" | "warn") => void;
  /** What a program printed when it failed, for the log. */
  readonly log: (line: string) => void;
}

interface Entry {
  readonly server: McpServer;
  readonly config: McpServerConfig;
}

/** The configured servers. None of them keeps anyone waiting: what is not there has no tools. */
export class McpServers {
  readonly #deps: McpServersDeps;
  #entries: ReadonlyMap<string, Entry> = new Map();
  readonly #closing = new Set<Promise<void>>();

  constructor(deps: McpServersDeps) {
    this.#deps = deps;
  }

  /** Starts what is new, ends what is gone, starts anew what is elsewhere; other changes hold at once. */
  use({ servers }: McpConfig): void {
    const last = this.#entries;
    this.#entries = new Map(
      Object.entries(servers).map(([id, config]) => [id, { config, server: this.#reuse(id, config, last.get(id)) }]),
    );
    for (const [id, { server }] of last) if (!this.#entries.has(id)) void this.#end(server);
  }

  /** Of all servers that an agent may use. */
  toolsFor(agentId: string): Tool[] {
    const usable = [...this.#entries].filter(([, { config }]) => config.agents?.includes(agentId) ?? true);
    return usable.flatMap(([id, { server, config }]) => mcpTools(id, server, config));
  }

  views(): McpServerView[] {
    return [...this.#entries].map(([id, { server, config }]) => ({
      id,
      state: server.state,
      tools: mcpTools(id, server, config).map(({ name }) => name),
      problem: findProblem(server, config),
    }));
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.use({ servers: {} });
    await Promise.all(this.#closing);
  }

  #reuse(id: string, config: McpServerConfig, last: Entry | undefined): McpServer {
    const endpoint = endpointOf(config);
    if (last && isDeepStrictEqual(last.server.endpoint, endpoint)) return last.server;
    const onFault = (fault: McpFault): void => this.#tell(`mcp.servers.${id}`, fault);
    return new McpServer(endpoint, { ...this.#deps, onFault }, last ? this.#end(last.server) : Promise.resolve());
  }

  #tell(key: string, { message, printed }: McpFault): void {
    this.#deps.report(`${key}: ${message}; its tools are absent until it runs`, "warn");
    if (printed !== "") this.#deps.log(`${key} printed: ${printed}`);
  }

  #end(server: McpServer): Promise<void> {
    const ended = server.close().finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
    return ended;
  }
}

function findProblem(server: McpServer, config: McpServerConfig): string | null {
  if (server.fault) return server.fault.message;
  if (server.state !== "ready") return null;
  const unknown = Object.keys(config.tools).find((name) => !server.tools.some((tool) => tool.name === name));
  return unknown === undefined ? null : `tools.${unknown}: the server has no such tool`;
}
