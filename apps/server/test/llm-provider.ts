import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** One thing that a scripted provider does; answers are lists of these. */
export type Step =
  | { readonly chunk: unknown }
  | { readonly raw: string | Buffer }
  | { readonly waitMs: number }
  | { readonly hang: true }
  | { readonly reset: true };

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface Provider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly requests: { readonly headers: IncomingMessage["headers"]; readonly body: Record<string, unknown> }[];
  /** Resolves when the connection of a request is gone before its answer was complete. */
  readonly clientLeft: Promise<void>;
}

/** A real HTTP server that answers the n-th request with the n-th reply, later ones with the last. */
export async function startProvider(...replies: readonly Reply[]): Promise<Provider> {
  const requests: Provider["requests"] = [];
  const left = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) left.resolve();
    });
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const reply = replies[Math.min(requests.length, replies.length - 1)] ?? { steps: [] };
      requests.push({ headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) });
      await play(reply, response);
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    clientLeft: left.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function play(
  { status = 200, headers = { "content-type": "text/event-stream" }, steps }: Reply,
  response: ServerResponse,
) {
  if (steps[0] && "hang" in steps[0]) return;
  response.writeHead(status, headers);
  response.flushHeaders();
  for (const step of steps) {
    if (response.destroyed || "hang" in step) return;
    if ("waitMs" in step) await delay(step.waitMs);
    else if ("reset" in step) return void response.socket?.resetAndDestroy();
    else await write(response, "raw" in step ? step.raw : `data: ${JSON.stringify(step.chunk)}\n\n`);
  }
  response.end();
}

async function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  await new Promise<void>((resolve) => response.write(data, () => resolve()));
}

export const text = (content: string): Step => ({ chunk: { choices: [{ index: 0, delta: { content } }] } });
export const finish = (reason: string): Step => ({
  chunk: { choices: [{ index: 0, delta: {}, finish_reason: reason }] },
});
export const done: Step = { raw: "data: [DONE]\n\n" };
export const callPiece = (piece: Record<string, unknown>): Step => ({
  chunk: { choices: [{ index: 0, delta: { tool_calls: [piece] } }] },
});
export const failure = (status: number, message: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  steps: [{ raw: JSON.stringify({ error: { message } }) }],
});
