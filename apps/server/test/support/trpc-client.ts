import type { AppRouter, BotEvent } from "@my-bot/protocol";
import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCClient,
  wsLink,
} from "@trpc/client";
import { EventSource } from "eventsource";
import { MessageQueue } from "./message-queue.ts";

/** The stock client over WebSocket, with no code of ours in it. */
export function connectTrpcWs(url: string): { client: TRPCClient<AppRouter>; close(): Promise<void> } {
  const ws = createWSClient({ url: `${url.replace("http", "ws")}/trpc`, retryDelayMs: () => 50 });
  return { client: createTRPCClient<AppRouter>({ links: [wsLink({ client: ws })] }), close: () => ws.close() };
}

/** The stock client over HTTP: calls in batches, the subscription as server-sent events. */
export function connectTrpcHttp(url: string): TRPCClient<AppRouter> {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (op) => op.type === "subscription",
        true: httpSubscriptionLink({ url: `${url}/trpc`, EventSource }),
        false: httpBatchLink({ url: `${url}/trpc` }),
      }),
    ],
  });
}

export interface Followed {
  readonly id: string;
  readonly data: BotEvent;
}

/** Subscribes to `events` and queues what comes. */
export function followTrpc(client: TRPCClient<AppRouter>, input: Parameters<typeof client.events.subscribe>[0]) {
  const queue = new MessageQueue<Followed>();
  const errors = new MessageQueue<Error>();
  const { unsubscribe } = client.events.subscribe(input, {
    onData: (tracked) => queue.push(tracked),
    onError: (error) => errors.push(error),
  });
  return {
    all: queue.all,
    next: (type?: string) => queue.next(type ?? "an event", ({ data }) => type === undefined || data.type === type),
    nextError: () => errors.next("an error"),
    stop: unsubscribe,
  };
}
