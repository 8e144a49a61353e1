import { setTimeout as delay } from "node:timers/promises";
import {
  type CallToolResult,
  Client,
  type JsonSchemaValidatorResult,
  type jsonSchemaValidator,
  type Tool as ListedTool,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from "@modelcontextprotocol/client";
import { type McpEndpoint, type McpEndpointDeps, openTransport } from "./mcp-endpoint.ts";
import { McpFault } from "./mcp-fault.ts";
import { StdioTransport } from "./stdio-transport.ts";

export interface McpConnectionDeps extends McpEndpointDeps {
  readonly onToolsChanged: () => void;
}

export interface McpCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

const START_MS = 60_000; // a program may have to be downloaded first
const CHECK_MS = 5000; // for a sign of life
const GOODBYE_MS = 1000;
const LONGEST_CALL_MS = 2 ** 31 - 1; // whoever calls has a limit of its own; the SDK's is a minute
const MAX_PAGES = 20; // of a list of tools
/** Structured content is for the model only; and a server's schema could hold a pattern that takes for ever. */
const NO_VALIDATION: jsonSchemaValidator = {
  getValidator:
    <T>() =>
    (input: unknown): JsonSchemaValidatorResult<T> => ({ valid: true, data: input as T, errorMessage: undefined }),
};

/** A server that answers, until it does no more. */
export class McpConnection {
  readonly #endpoint: McpEndpoint;
  readonly #transport: Awaited<ReturnType<typeof openTransport>>;
  readonly #client: Client;
  readonly #closed = Promise.withResolvers<McpFault>();
  #tools: readonly ListedTool[] = [];
  #check: Promise<void> | undefined;

  /** Starts or reaches a server and asks for its tools. Throws McpFault when that fails, or `signal` aborts. */
  static async open(endpoint: McpEndpoint, deps: McpConnectionDeps, signal: AbortSignal): Promise<McpConnection> {
    const connection = new McpConnection(endpoint, await openTransport(endpoint, deps), deps);
    try {
      await connection.#begin({ timeout: START_MS, signal });
      return connection;
    } catch (cause) {
      const fault = connection.#explain(cause);
      await connection.close();
      throw fault;
    }
  }

  private constructor(
    endpoint: McpEndpoint,
    transport: Awaited<ReturnType<typeof openTransport>>,
    { onToolsChanged }: McpConnectionDeps,
  ) {
    this.#endpoint = endpoint;
    this.#transport = transport;
    const onChanged = (_error: Error | null, tools: ListedTool[] | null): void => {
      if (tools === null) return;
      this.#tools = tools;
      onToolsChanged();
    };
    this.#client = new Client(
      { name: "my-bot", version: "1" },
      { jsonSchemaValidator: NO_VALIDATION, listMaxPages: MAX_PAGES, listChanged: { tools: { onChanged } } },
    );
    this.#client.onclose = () => this.#closed.resolve(this.#fault ?? new McpFault("closed the connection"));
  }

  /** As the server told them last. */
  get tools(): readonly ListedTool[] {
    return this.#tools;
  }

  /** Resolves when it is over, with the reason. */
  get closed(): Promise<McpFault> {
    return this.#closed.promise;
  }

  /** Throws McpFault when there is no answer, or the reason of `signal`, after which the server is told to leave off. */
  async call(call: McpCall, signal: AbortSignal): Promise<CallToolResult> {
    try {
      return await this.#client.callTool(call, { timeout: LONGEST_CALL_MS, signal });
    } catch (cause) {
      const isLate = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
      if (signal.aborted && !isLate) throw signal.reason;
      if (cause instanceof ProtocolError) return { content: [{ type: "text", text: cause.message }], isError: true };
      this.#checkLife();
      signal.throwIfAborted();
      throw this.#explain(cause);
    }
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    if (!(this.#transport instanceof StdioTransport)) {
      await Promise.race([this.#transport.terminateSession().catch(() => undefined), delay(GOODBYE_MS)]);
    }
    await this.#client.close().catch(() => undefined);
    await this.#transport.close(); // one that the client has not taken over yet
  }

  async #begin(options: { timeout: number; signal: AbortSignal }): Promise<void> {
    await this.#client.connect(this.#transport, options);
    if (this.#client.getServerCapabilities()?.tools) {
      this.#tools = (await this.#client.listTools(undefined, options)).tools;
    }
    this.#client.onerror = () => this.#checkLife();
  }

  /** Without a sign of life it is closed: whoever waits for an answer is told. */
  #checkLife(): void {
    this.#check ??= this.#client
      .ping({ timeout: CHECK_MS })
      .then(
        () => undefined,
        () => this.close(),
      )
      .finally(() => {
        this.#check = undefined;
      });
  }

  get #fault(): McpFault | undefined {
    return this.#transport instanceof StdioTransport ? this.#transport.fault : undefined;
  }

  /** In our words: a server's own may hold secrets, or talk to whoever reads them. */
  #explain(cause: unknown): McpFault {
    if (cause instanceof McpFault) return cause;
    return this.#fault ?? explain(cause, this.#endpoint.url);
  }
}

function explain(cause: unknown, url: string | undefined): McpFault {
  const place = url === undefined ? "" : ` at ${new URL(url).origin}`;
  if (cause instanceof SdkHttpError) return new McpFault(`answers ${cause.status}${place}; check url and headers`);
  if (cause instanceof SdkError && cause.code === SdkErrorCode.RequestTimeout)
    return new McpFault(`does not answer${place}; check that it is an MCP server`);
  if (cause instanceof SdkError && cause.code === SdkErrorCode.ConnectionClosed)
    return new McpFault("closed the connection");
  if (url !== undefined && cause instanceof TypeError)
    return new McpFault(`cannot be reached${place}${codeOf(cause)}; check url and whether it runs`);
  return new McpFault(`does not speak MCP${place}; check that it is an MCP server`, { cause });
}

/** ` (ECONNREFUSED)` when the system said why. */
function codeOf({ cause }: Error): string {
  return cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
}
