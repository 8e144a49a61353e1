import { setTimeout as delay } from "node:timers/promises";
import type { CallToolResult, Tool as ListedTool } from "@modelcontextprotocol/client";
import type { McpCall, McpConnection } from "./mcp-connection.ts";
import type { McpEndpoint, McpEndpointDeps } from "./mcp-endpoint.ts";
import { McpFault } from "./mcp-fault.ts";

export interface McpServerDeps extends McpEndpointDeps {
  /** State or tools are others now. */
  readonly onChange: () => void;
  /** It is not there; told once for each reason. */
  readonly onFault: (fault: McpFault) => void;
}

type State =
  | { readonly name: "starting" }
  | { readonly name: "ready"; readonly connection: McpConnection }
  | { readonly name: "failed"; readonly fault: McpFault };

const FIRST_WAIT_MS = 1000; // before it is started again; twice as long each time
const LONGEST_WAIT_MS = 60_000;
const SOUND_MS = 60_000; // one that ran for so long is started again as if it were the first time

/** One configured server, started again whenever it ends. */
export class McpServer {
  readonly #endpoint: McpEndpoint;
  readonly #deps: McpServerDeps;
  readonly #stop = new AbortController();
  readonly #stopped = aborted(this.#stop.signal);
  readonly #running: Promise<void>;
  #state: State = { name: "starting" };
  #lastFault = "";

  /** Starts when `after` has resolved: what it replaces has ended then. */
  constructor(endpoint: McpEndpoint, deps: McpServerDeps, after: Promise<void>) {
    this.#endpoint = endpoint;
    this.#deps = deps;
    this.#running = after.then(() => this.#run(this.#stop.signal));
  }

  get endpoint(): McpEndpoint {
    return this.#endpoint;
  }

  get state(): State["name"] {
    return this.#state.name;
  }

  /** Why it is not there, or was not when it was last tried. */
  get fault(): McpFault | undefined {
    return this.#state.name === "failed" ? this.#state.fault : undefined;
  }

  get tools(): readonly ListedTool[] {
    return this.#state.name === "ready" ? this.#state.connection.tools : [];
  }

  /** As McpConnection does. */
  async call(call: McpCall, signal: AbortSignal): Promise<CallToolResult> {
    if (this.#state.name !== "ready") throw new McpFault("is not running now");
    return await this.#state.connection.call(call, signal);
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      const startedAt = performance.now();
      await this.#serve(signal);
      if (performance.now() - startedAt > SOUND_MS) waitMs = FIRST_WAIT_MS;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  /** Resolves when it has ended or could not be started. */
  async #serve(signal: AbortSignal): Promise<void> {
    let connection: McpConnection | undefined;
    try {
      const { McpConnection: Connection } = await import("./mcp-connection.ts"); // 30 MB that few need
      const deps = { ...this.#deps, onToolsChanged: this.#deps.onChange };
      connection = await Connection.open(this.#endpoint, deps, signal);
      this.#lastFault = "";
      this.#enter({ name: "ready", connection });
      throw await Promise.race([connection.closed, this.#stopped]);
    } catch (cause) {
      if (signal.aborted) await connection?.close();
      else this.#fail(cause);
    }
  }

  #fail(cause: unknown): void {
    const fault = cause instanceof McpFault ? cause : new McpFault("failed unexpectedly", { cause });
    if (fault.message !== this.#lastFault) this.#deps.onFault(fault);
    this.#lastFault = fault.message;
    this.#enter({ name: "failed", fault });
  }

  #enter(state: State): void {
    this.#state = state;
    this.#deps.onChange();
  }
}

/** Resolves when `signal` has aborted. */
function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}
