import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ChatRequest {
  readonly messages: { role: string; content: string; tool_calls?: { id: string }[]; tool_call_id?: string }[];
  readonly tools?: { function: { name: string; description?: string; parameters?: object } }[];
  readonly stream: boolean;
  readonly [key: string]: unknown;
}

/** Answers one request; what it writes goes over the wire at once. */
export type ModelScript = (reply: ModelReply, request: ChatRequest) => Promise<void> | void;

export class ModelReply {
  readonly #response: ServerResponse;
  /** Resolves when the caller has gone away. */
  readonly gone: Promise<unknown>;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.gone = once(response, "close");
  }

  /** One chunk of a Chat Completions stream. */
  chunk(delta: object, finishReason: string | null = null): void {
    this.#raw({
      id: "c1",
      object: "chat.completion.chunk",
      model: "m",
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });
  }

  text(...pieces: string[]): void {
    for (const content of pieces) this.chunk({ content });
  }

  toolCall(index: number, id: string, name: string, args: object): void {
    this.chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] });
    for (const piece of JSON.stringify(args).match(/.{1,5}/g) ?? []) {
      this.chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }

  finish(reason: string, promptTokens = 10): void {
    this.chunk({}, reason);
    const usage = { prompt_tokens: promptTokens, completion_tokens: 5, total_tokens: promptTokens + 5 };
    this.#raw({ id: "c1", choices: [], usage });
    this.#response.end("data: [DONE]\n\n");
  }

  /** Ends without a word once what was written has gone out, as a broken provider does. */
  breakOff(): void {
    this.#response.write("\n", () => setTimeout(() => this.#response.destroy(), 50));
  }

  fail(status: number, message: string): void {
    this.#response.writeHead(status, { "Content-Type": "application/json" });
    this.#response.end(JSON.stringify({ error: { message, type: "test" } }));
  }

  #raw(data: object): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.#response.write(`data: ${JSON.stringify(data)}\n\n`);
  }
}

export interface ScriptedModel extends AsyncDisposable {
  /** For `llm` in the configuration. */
  readonly llm: object;
  readonly requests: readonly ChatRequest[];
}

/** An OpenAI-compatible server over real HTTP: the n-th request gets the n-th script, later ones the last. */
export async function startScriptedModel(...scripts: [ModelScript, ...ModelScript[]]): Promise<ScriptedModel> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (request, response) => {
    const chat: ChatRequest = JSON.parse(await readBody(request));
    requests.push(chat);
    const script = scripts[Math.min(requests.length, scripts.length) - 1] ?? scripts[0];
    await script(new ModelReply(response), chat);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    llm: {
      provider: "openai",
      model: "scripted",
      api_key: "sk-test-1234567890",
      api_base: `http://127.0.0.1:${port}/v1`,
    },
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

/** A whole answer at once. */
export function says(...pieces: string[]): ModelScript {
  return (reply) => {
    reply.text(...pieces);
    reply.finish("stop");
  };
}

/** One call of a tool. */
export function callsTool(name: string, args: object): ModelScript {
  return (reply) => {
    reply.toolCall(0, "call_a", name, args);
    reply.finish("tool_calls");
  };
}
