import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo, type ChatRequest, readBody, writeChunk, writeFinish } from "./scripted-model.ts";

export interface PacedModel extends AsyncDisposable {
  /** For `llm.api_base` of the server under test. */
  readonly baseUrl: string;
  /** Requests that wait for an answer now, and whose caller is still there. */
  readonly open: number;
}

/** How long the answer to `wait 5000: …` takes in milliseconds; undefined for `hang: …`, which never gets one. */
export function pauseOf(content: string): number | undefined {
  if (content.startsWith("hang:")) return undefined;
  return Number(/^wait (\d+):/.exec(content)?.[1] ?? 0);
}

/** An OpenAI-compatible server over real HTTP that answers as fast as the message says: `answerTo` it, in two pieces. */
export async function startPacedModel(): Promise<PacedModel> {
  const held = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    held.add(response);
    response.on("close", () => held.delete(response));
    readBody(request)
      .then((body) => answer(response, JSON.parse(body)))
      .catch(() => response.destroy()); // the server under test was killed meanwhile
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get open() {
      return held.size;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function answer(response: ServerResponse, { messages }: ChatRequest): void {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const pauseMs = pauseOf(content);
  if (pauseMs === undefined) return;
  const timer = setTimeout(() => {
    const text = answerTo(content);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    writeChunk(response, { content: text.slice(0, 4) });
    writeChunk(response, { content: text.slice(4) });
    writeFinish(response, "stop");
  }, pauseMs);
  response.on("close", () => clearTimeout(timer));
}
