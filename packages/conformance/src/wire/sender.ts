import { setTimeout as delay } from "node:timers/promises";
import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from "@trpc/client";
import { WebSocket } from "ws";
import type { SentMessage } from "../ledger/ledger.ts";
import type { Random } from "../ledger/random.ts";
import { text, type WireEvent } from "./wire-event.ts";

interface TrackedMessage extends SentMessage {
  readonly ackCursors: Set<string>;
  wasRefused: boolean;
}

/** One way to hand a message over; opened again after every loss. */
interface Line {
  send(message: SentMessage): void;
  close(): void;
}

interface LineEvents {
  onAck(messageId: string, cursor: string): void;
  /** What is not acknowledged goes out again on a new line. */
  onLost(): void;
  /** The server refused something; the line is given up. */
  onRefused(): void;
}

export type OpenLine = (events: LineEvents) => Promise<Line>;

export interface SenderOptions {
  readonly name: string;
  readonly openLine: OpenLine;
  readonly random: Random;
  /** May another message go out now? */
  readonly mayGo: () => boolean;
}

const WINDOW = 8; // messages on their way at once
const MESSAGES_PER_SOURCE = 40; // a session is read whole for each answer, so none grows for ever
const SOURCES_AT_ONCE = 3;
const RETRY_MS = 25;
const LONGEST_PAUSE_MS = 30;

/** Sends numbered messages in order, each under one message id until it is acknowledged. */
export class Sender {
  readonly sent: TrackedMessage[] = [];
  readonly #options: SenderOptions;
  #waiting = new Map<string, TrackedMessage>();
  #line: Line | undefined;
  #isEnding = false;
  #acked = 0;
  #refused = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get acked(): number {
    return this.#acked;
  }

  /** How often the server refused a message. */
  get refused(): number {
    return this.#refused;
  }

  get unacked(): number {
    return this.#waiting.size;
  }

  /** Sends until `end`, and goes on until all is acknowledged or `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, mayGo } = this.#options;
    while (!signal.aborted && !(this.#isEnding && this.#waiting.size === 0)) {
      if (!this.#line) await this.#connect();
      else if (!this.#isEnding && this.#waiting.size < WINDOW && mayGo()) this.#sendNext();
      await delay(random.int(0, LONGEST_PAUSE_MS));
    }
    this.#line?.close();
  }

  end(): void {
    this.#isEnding = true;
  }

  async #connect(): Promise<void> {
    let isLost = false;
    let line: Line | undefined;
    const onLost = (): void => {
      isLost = true;
      if (this.#line === line) this.#line = undefined;
      line?.close();
    };
    const onRefused = (): void => {
      this.#refused += 1;
      for (const message of this.#waiting.values()) message.wasRefused = true; // which of them is not told
      onLost();
    };
    const onAck = (messageId: string, cursor: string): void => this.#acknowledge(messageId, cursor);
    line = await this.#options.openLine({ onAck, onLost, onRefused }).catch(() => undefined);
    if (!line || isLost) {
      line?.close();
      await delay(RETRY_MS);
      return;
    }
    this.#line = line;
    for (const message of this.#waiting.values()) line.send(message);
  }

  #sendNext(): void {
    const { name } = this.#options;
    const number = this.sent.length;
    const group = Math.floor(number / (MESSAGES_PER_SOURCE * SOURCES_AT_ONCE));
    const message: TrackedMessage = {
      messageId: `${name}-${number}`,
      sender: name,
      source: `${name}-${group}-${number % SOURCES_AT_ONCE}`,
      content: `message ${number} of ${name}`,
      ackCursors: new Set(),
      wasRefused: false,
    };
    this.sent.push(message);
    this.#waiting.set(message.messageId, message);
    this.#line?.send(message);
  }

  #acknowledge(messageId: string, cursor: string): void {
    const message = this.#waiting.get(messageId) ?? this.sent.find((sent) => sent.messageId === messageId);
    message?.ackCursors.add(cursor);
    if (this.#waiting.delete(messageId)) this.#acked += 1;
  }
}

function toWire({ messageId, source, content }: SentMessage): { message_id: string; source: string; content: string } {
  return { message_id: messageId, source, content };
}

/** A raw line: the receipt of a message is its own InboundEvent. `query` beside `events=all`. */
export function rawLine(port: number, query = ""): OpenLine {
  return (events) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all${query}`);
      socket.on("open", () =>
        resolve({ send: (message) => socket.send(JSON.stringify(toWire(message))), close: () => socket.terminate() }),
      );
      socket.on("error", reject);
      socket.on("close", () => events.onLost());
      socket.on("message", (data) => {
        const event: WireEvent = JSON.parse(data.toString());
        if (event.type === "error") events.onRefused();
        if (event.type !== "InboundEvent") return;
        events.onAck(text(event.message_id) ?? "", text(event.cursor) ?? "");
      });
    });
}

/** The stock tRPC client, which does not send again by itself: each loss gets a new one. */
export function trpcLine(port: number): OpenLine {
  return (events) =>
    new Promise((resolve, reject) => {
      const client = createWSClient({
        url: `ws://127.0.0.1:${port}/trpc`,
        retryDelayMs: () => RETRY_MS, // a lost line is closed before that
        onOpen: () => resolve({ send, close }),
        onError: () => lose(),
        onClose: () => lose(),
      });
      const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
      const close = (): void => void client.close();
      function lose(): void {
        reject(new Error("The line is lost"));
        events.onLost();
        close();
      }
      function send(message: SentMessage): void {
        trpc.send
          .mutate(toWire(message))
          .then((receipt) => events.onAck(receipt.message_id, receipt.cursor))
          .catch((error: unknown) => {
            if (error instanceof TRPCClientError && error.data !== undefined) events.onRefused();
            lose();
          });
      }
    });
}
