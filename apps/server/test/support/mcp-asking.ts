import { expect } from "vitest";
import { type EditedWorkspace, editWorkspace } from "./edited-workspace.ts";
import { connectRaw, type Frame, type RawClient } from "./raw-client.ts";
import { type ModelScript, type ScriptedModel, says, startScriptedModel } from "./scripted-model.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const PATIENCE_MS = 20_000;

export interface McpAsking extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly model: ScriptedModel;
  readonly client: RawClient;
  readonly workspace: EditedWorkspace;
  /** Resolves when a server is in this state, with its view. */
  until(id: string, state: "starting" | "ready" | "failed"): Promise<McpView>;
  /** The configuration with these servers. */
  config(servers: object): object;
  /** Sends a message that the model answers with one call, and gives the call's result. */
  call(): Promise<Frame>;
}

type McpView = Awaited<ReturnType<EditedWorkspace["info"]>>["mcp"][number];

/** Calls one tool, and then says what came back. */
export function callsOnce(name: string, args: object): ModelScript {
  return (reply, request) => {
    const last = request.messages.at(-1);
    if (last?.role === "tool") return says(last.content)(reply, request);
    reply.toolCall(0, "call_a", name, args);
    reply.finish("tool_calls");
  };
}

/** A server with these MCP servers before a scripted model, and a raw client that sees every event. */
export async function startMcpAsking(
  servers: object,
  script: ModelScript,
  options: Omit<Parameters<typeof startServer>[0] & object, "config"> = {},
): Promise<McpAsking> {
  const model = await startScriptedModel(script);
  const config = (configured: object): object => ({ llm: model.llm, mcp: { servers: configured } });
  const server = await startServer({ ...options, config: config(servers) });
  const client = await connectRaw(server.url, "?events=all");
  const workspace = editWorkspace(server);
  const view = async (id: string) => (await workspace.info()).mcp.find((one) => one.id === id);
  return {
    server,
    model,
    client,
    workspace,
    config,
    until: async (id, state) => {
      await expect.poll(() => view(id), { timeout: PATIENCE_MS }).toMatchObject({ state });
      const found = await view(id);
      if (found === undefined) throw new Error(`there is no MCP server ${id} any more`);
      return found;
    },
    call: async () => {
      client.send({ source: "test", content: "Do it" });
      const result = await client.next("ToolResultEvent");
      expect(await client.next("OutboundEvent")).toMatchObject({ error: null });
      return result;
    },
    [Symbol.asyncDispose]: async () => {
      for (const part of [client, server, model]) await part[Symbol.asyncDispose]();
    },
  };
}

/** Names of the tools that the model was offered last. */
export function offered({ model }: McpAsking): string[] {
  return (model.requests.at(-1)?.tools ?? []).map((tool) => tool.function.name);
}
