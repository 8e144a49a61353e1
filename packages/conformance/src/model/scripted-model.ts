import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../ledger/random.ts";

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

export interface ScriptedModel extends AsyncDisposable {
  /** For `llm.api_base` of the server under test. */
  readonly baseUrl: string;
  readonly requests: number;
}

const LONGEST_PAUSE_MS = 200;

/** What the model answers to a message, so that a wrong answer is noticed. */
export function answerTo(content: string): string {
  return `re: ${content} ✓ done`;
}

/**
 * An OpenAI-compatible server over real HTTP: streams `answerTo` the last user message in pieces, with pauses of up to
 * 200 ms in all, and calls the read-only tool `read` before one answer in five. `onRequest` sees what it is asked.
 */
export async function startScriptedModel(
  random: Random,
  onRequest: (request: ChatRequest) => void = () => undefined,
): Promise<ScriptedModel> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    readBody(request)
      .then((body) => {
        const chat: ChatRequest = JSON.parse(body);
        onRequest(chat);
        return answer(response, chat, random);
      })
      .catch(() => response.destroy()); // the server under test was killed meanwhile
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(response: ServerResponse, { messages }: ChatRequest, random: Random): Promise<void> {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const pauseMs = (LONGEST_PAUSE_MS / 2) * random.next() ** 3; // mostly short, so that a run has many answers
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  await delay(pauseMs);
  if (messages.at(-1)?.role !== "tool" && isFifth(content)) {
    writeChunk(response, { content: "I look it up. " });
    writeChunk(response, { tool_calls: [readCall(content)] });
    writeFinish(response, "tool_calls");
    return;
  }
  const [first = "", ...rest] = answerTo(content).split(/(?<= )/);
  writeChunk(response, { content: first });
  await delay(pauseMs);
  for (const piece of rest) writeChunk(response, { content: piece });
  writeFinish(response, "stop");
}

function isFifth(content: string): boolean {
  return [...content].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0) % 5 === 0;
}

function readCall(content: string): object {
  const args = JSON.stringify({ path: "notes.md" });
  return { index: 0, id: `call_${content}`, type: "function", function: { name: "read", arguments: args } };
}

export function writeChunk(response: ServerResponse, delta: object, finishReason: string | null = null): void {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  const chunk = { id: "c1", object: "chat.completion.chunk", model: "scripted", choices };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

export function writeFinish(response: ServerResponse, reason: string): void {
  writeChunk(response, {}, reason);
  response.end("data: [DONE]\n\n");
}

export async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
