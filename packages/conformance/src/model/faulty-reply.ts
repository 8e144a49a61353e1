import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** One request to the model, as the model saw it; times in milliseconds of `performance.now()`. */
export interface Exchange {
  /** Of the same message, from 1. */
  readonly attempt: number;
  readonly startedAt: number;
  /** The model has said all that it wanted to. */
  readonly isOver: boolean;
  /** The other side went away before that. */
  readonly cancelledAt: number | undefined;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly gone: Promise<unknown>;
}

/** What a model can do to one request, over the wire of Chat Completions and below it. */
export class FaultyReply implements Exchange {
  readonly attempt: number;
  readonly startedAt = performance.now();
  readonly gone: Promise<unknown>;
  readonly #response: ServerResponse;
  #isOver = false;
  #cancelledAt: number | undefined;

  constructor(response: ServerResponse, attempt: number) {
    this.attempt = attempt;
    this.#response = response;
    this.gone = once(response, "close").then(() => {
      if (!this.#isOver) this.#cancelledAt = performance.now();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get cancelledAt(): number | undefined {
    return this.#cancelledAt;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  headers(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.#response.flushHeaders();
  }

  /** False: write no more before `drained`. */
  text(...pieces: readonly string[]): boolean {
    return this.raw(pieces.map((content) => chunkOf({ content })).join(""));
  }

  /** `args` is what the model wrote, be it JSON or not. */
  toolCall(index: number, name: string, args: string): void {
    const id = `call_${this.attempt}_${index}`;
    this.raw(chunkOf({ tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] }));
  }

  finish(reason: string): void {
    this.raw(`${chunkOf({}, reason)}data: [DONE]\n\n`);
    this.end();
  }

  /** As it is; returns the same. */
  raw(data: string | Buffer): boolean {
    this.headers();
    return this.#response.write(data);
  }

  /** Resolves when more can be written, or nothing ever. */
  async drained(): Promise<void> {
    if (this.isGone) return;
    const stop = new AbortController();
    await Promise.race([once(this.#response, "drain", { signal: stop.signal }), this.gone]);
    stop.abort();
  }

  end(): void {
    this.#isOver = true;
    this.headers();
    this.#response.end();
  }

  /** A TCP reset. */
  reset(): void {
    this.#isOver = true;
    this.#response.socket?.resetAndDestroy();
  }

  fail(status: number, message: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#isOver = true;
    this.#response.writeHead(status, { "Content-Type": "application/json", ...headers });
    this.#response.end(JSON.stringify({ error: { message, type: "planted" } }));
  }
}

function chunkOf(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", model: "faulty", choices })}\n\n`;
}
