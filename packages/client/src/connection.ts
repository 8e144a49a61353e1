import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, type TRPCClient, type TRPCWebSocketClient, wsLink } from "@trpc/client";
import { MyBotClientError } from "./client-error.ts";
import { backoffMs, sleep } from "./retry.ts";
import { createSocketClass } from "./socket-class.ts";

/** `idle` until the first call, then `connecting` and `open` in turns; `closed` for good after `close()`. */
export type ConnectionState = "idle" | "connecting" | "open" | "closed";

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly WebSocket: typeof WebSocket;
}

const KEEP_ALIVE = { enabled: true, intervalMs: 25_000, pongTimeoutMs: 10_000 };

/** One socket that is opened at the first use and reopened until `close`. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  readonly #sockets = new Set<WebSocket>();
  #opened: { readonly socketClient: TRPCWebSocketClient; readonly trpc: TRPCClient<AppRouter> } | undefined;
  #state: ConnectionState = "idle";
  #failures = 0; // sockets in a row that brought nothing

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Aborts at `close`, with the error that calls reject with from then on. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get trpc(): TRPCClient<AppRouter> {
    this.#closing.signal.throwIfAborted();
    this.#opened ??= this.#open();
    return this.#opened.trpc;
  }

  subscribe(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when every socket is gone. */
  async close(): Promise<void> {
    this.#closing.abort(new MyBotClientError("CLOSED", "The client is closed"));
    this.#setState("closed");
    const gone = [...this.#sockets].map(closeSocket);
    void this.#opened?.socketClient.close(); // waits for ever for a socket that failed at once, as to a forbidden port
    await Promise.all(gone);
  }

  #open() {
    const { url, token } = this.#options;
    const socketClient = createWSClient({
      // The wait is here and not in `retryDelayMs`, since here `close` can end it.
      url: async () => {
        await sleep(backoffMs(this.#failures), this.#closing.signal);
        return url;
      },
      retryDelayMs: () => 0,
      connectionParams: token === undefined ? null : { token },
      keepAlive: KEEP_ALIVE,
      WebSocket: createSocketClass(this.#options.WebSocket, {
        opening: (socket) => {
          this.#sockets.add(socket);
          if (this.#closing.signal.aborted) socket.close();
        },
        closed: (socket, hasReceived) => {
          this.#sockets.delete(socket);
          this.#failures = hasReceived ? 0 : this.#failures + 1;
        },
      }),
    });
    socketClient.connectionState.subscribe({
      next: ({ state }) => this.#setState(state === "pending" ? "open" : state),
    });
    return { socketClient, trpc: createTRPCClient<AppRouter>({ links: [wsLink({ client: socketClient })] }) };
  }

  #setState(state: ConnectionState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function closeSocket(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.addEventListener("close", () => resolve(), { once: true });
    socket.close();
  });
}
