import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from "@trpc/client";
import { WebSocket } from "ws";
import { text, toSeen, type WireEvent } from "./wire-event.ts";

export interface Message {
  readonly source: string;
  readonly messageId: string;
  readonly content: string;
}

export interface SeenReceipt {
  readonly cursor: string;
  readonly runId: string;
  /** Of the whole InboundEvent: what the raw door answers with. */
  readonly digest?: string;
  /** What the tRPC door says of it. */
  readonly isDuplicate?: boolean;
}

/** The server said no; `code` only at the tRPC door. */
export class Refusal extends Error {
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

const RETRY_MS = 1000;

/** Hands messages over, each copy with a receipt of its own. */
export interface CopyLine {
  /** Rejects with a Refusal, or when the line is lost. */
  send(message: Message): Promise<SeenReceipt>;
  /** Receipts for what was not sent here, or not so often. */
  readonly strangers: number;
  close(): void;
}

/** A message by source and id, as a sender and as the log name it. */
export function keyOf({ source, messageId }: Pick<Message, "source" | "messageId">): string {
  return `platform-ws:${source} ${messageId}`;
}

interface Waiting {
  readonly key: string;
  readonly receipt: PromiseWithResolvers<SeenReceipt>;
}

/** A raw line that gets receipts only; a refusal there belongs to the oldest message that waits. */
export function openRawCopies(port: number): Promise<CopyLine> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&session=none`);
  let waiting: Waiting[] = [];
  let strangers = 0;
  function take(event: WireEvent): void {
    const key = `${event.source} ${event.message_id}`;
    const index = event.type === "error" ? 0 : waiting.findIndex((entry) => entry.key === key);
    const [found] = index < 0 ? [] : waiting.splice(index, 1);
    if (event.type === "error") found?.receipt.reject(new Refusal(text(event.message) ?? ""));
    else if (event.type === "InboundEvent" && found) found.receipt.resolve(toReceipt(event));
    else if (event.type === "InboundEvent") strangers += 1;
  }
  socket.on("message", (data) => take(JSON.parse(data.toString())));
  socket.on("close", () => {
    for (const { receipt } of waiting) receipt.reject(new Error("The line is lost"));
    waiting = [];
  });
  const line: CopyLine = {
    send: (message) => {
      const { source, messageId, content } = message;
      const receipt = Promise.withResolvers<SeenReceipt>();
      waiting.push({ key: keyOf(message), receipt });
      socket.send(JSON.stringify({ source, content, message_id: messageId }));
      return receipt.promise;
    },
    get strangers() {
      return strangers;
    },
    close: () => socket.terminate(),
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(line));
    socket.on("error", reject);
  });
}

function toReceipt(event: WireEvent): SeenReceipt {
  const cursor = text(event.cursor) ?? "";
  return { cursor, runId: text(event.run_id) ?? "", digest: toSeen(cursor, event).digest };
}

/** The stock tRPC client. */
export async function openTrpcCopies(port: number): Promise<CopyLine> {
  const opened = Promise.withResolvers<void>();
  const client = createWSClient({
    url: `ws://127.0.0.1:${port}/trpc`,
    retryDelayMs: () => RETRY_MS,
    onOpen: () => opened.resolve(),
    onClose: () => close(),
  });
  function close(): void {
    opened.reject(new Error("The server closed"));
    void client.close(); // a lost line does not come back
  }
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
  await opened.promise;
  return {
    send: async ({ source, messageId, content }) => {
      const sent = trpc.send.mutate({ source, content, message_id: messageId });
      const { cursor, run_id, duplicate } = await sent.catch((cause: unknown) => {
        throw cause instanceof TRPCClientError && cause.data ? new Refusal(cause.message, cause.data.code) : cause;
      });
      return { cursor, runId: run_id, isDuplicate: duplicate };
    },
    strangers: 0,
    close,
  };
}
