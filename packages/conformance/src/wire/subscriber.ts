import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { WebSocket } from "ws";
import type { SeenEvent } from "../ledger/ledger.ts";
import { TurnTexts } from "./turn-texts.ts";
import { isDurable, text, toSeen, type WireEvent } from "./wire-event.ts";

/** Follows the log from its beginning, over lost connections, each time behind the last event that it has seen. */
export interface LogSubscriber {
  readonly name: string;
  readonly seen: readonly SeenEvent[];
  readonly texts: TurnTexts;
  /** Loses the connection of this moment. */
  reconnect(): void;
  close(): void;
}

/** Gets every event, deltas too. */
export type OnEvent = (event: WireEvent) => void;

const RETRY_MS = 25;

class Witness {
  readonly seen: SeenEvent[] = [];
  readonly texts = new TurnTexts();
  readonly #onEvent: OnEvent;

  constructor(onEvent: OnEvent) {
    this.#onEvent = onEvent;
  }

  take(cursor: string, event: WireEvent): void {
    this.texts.add(event);
    if (isDurable(event)) this.seen.push(toSeen(cursor, event));
    this.#onEvent(event);
  }
}

/** Over `/ws?events=all&after=`. */
export function followRaw(name: string, port: number, onEvent: OnEvent = () => undefined): LogSubscriber {
  const witness = new Witness(onEvent);
  let cursor = "0";
  let isClosed = false;
  let socket: WebSocket | undefined;

  function open(): void {
    if (isClosed) return;
    const opened = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&after=${encodeURIComponent(cursor)}`);
    socket = opened;
    opened.on("message", (data) => {
      if (opened !== socket || isClosed) return;
      const event: WireEvent = JSON.parse(data.toString());
      cursor = text(event.cursor) ?? cursor;
      witness.take(cursor, event);
    });
    opened.on("error", () => undefined); // closes
    opened.on("close", () => {
      witness.texts.connectionLost();
      setTimeout(open, RETRY_MS);
    });
  }
  open();
  return {
    name,
    seen: witness.seen,
    texts: witness.texts,
    reconnect: () => socket?.terminate(),
    close: () => {
      isClosed = true;
      socket?.terminate();
    },
  };
}

/** With the stock tRPC client, which resumes by itself. */
export function followTrpc(name: string, port: number, onEvent: OnEvent = () => undefined): LogSubscriber {
  const witness = new Witness(onEvent);
  const client = createWSClient({
    url: `ws://127.0.0.1:${port}/trpc`,
    retryDelayMs: () => RETRY_MS,
    onClose: () => witness.texts.connectionLost(),
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
  let stop = (): void => undefined;
  function subscribe(lastEventId: string): void {
    let last = lastEventId;
    const subscription = trpc.events.subscribe(
      { lastEventId },
      {
        onData: ({ id, data }) => {
          last = id;
          witness.take(id, data);
        },
        // a server that stops ends the subscription with an error
        onError: () => setTimeout(() => subscribe(last), RETRY_MS),
      },
    );
    stop = () => subscription.unsubscribe();
  }
  subscribe("0");
  return {
    name,
    seen: witness.seen,
    texts: witness.texts,
    reconnect: () => client.connection?.ws.close(),
    close: () => {
      stop();
      void client.close();
    },
  };
}
