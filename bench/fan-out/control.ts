import { quantile } from "../send-workload.ts";

/** One event of the load: what it is about is its size and the time it was made. */
export interface LoadEvent {
  readonly type: "InboundEvent";
  readonly session_id: string;
  readonly source: string;
  readonly content: string;
  readonly timestamp: number; // seconds since 1970
  readonly retry_count: 0;
  readonly run_id: string;
  readonly message_id: string;
  readonly agent_id: string;
}

/** What the load generator asks of a peer, over IPC. */
export type Order =
  | { readonly type: "publish"; readonly count: number }
  | { readonly type: "stream"; readonly sessions: number; readonly tokensPerSecond: number }
  | { readonly type: "collect" }
  | { readonly type: "usage" };

export interface Usage {
  readonly cpuMs: number; // user and system, since the process began
  readonly rssBytes: number;
  /** Median of the transactions since the last question, where there are any. */
  readonly commitMs?: number;
}

const PADDING = "A message of a usual length, as somebody would write it to an assistant. ".repeat(2);

export function loadEvent(number: number): LoadEvent {
  return {
    type: "InboundEvent",
    session_id: "5f0c3b1e-6f0e-4f5c-9d5a-3a1f2b4c5d6e",
    source: "platform-ws:bench",
    content: PADDING,
    timestamp: Date.now() / 1000,
    retry_count: 0,
    run_id: `run-${number}`,
    message_id: `message-${number}`,
    agent_id: "pickle",
  };
}

export interface PeerServer {
  readonly port: number;
  publish(events: readonly LoadEvent[]): void;
  /** Tokens of so many sessions at once, each for its own subscriber. */
  stream?(order: { sessions: number; tokensPerSecond: number }): void;
  /** How long each transaction took since the last call, in milliseconds. */
  takeCommits?(): readonly number[];
}

/** Serves the orders until the load generator goes. */
export function serveOrders({ port, publish, stream, takeCommits }: PeerServer): void {
  let published = 0;
  process.on("message", (order: Order) => {
    if (order.type === "publish") {
      publish(Array.from({ length: order.count }, () => loadEvent(published++)));
    } else if (order.type === "stream") {
      stream?.(order);
    } else if (order.type === "collect") {
      globalThis.gc?.();
    } else {
      const { user, system } = process.cpuUsage();
      const commits = takeCommits?.() ?? [];
      const rssBytes = process.memoryUsage().rss;
      process.send?.({
        cpuMs: (user + system) / 1000,
        rssBytes,
        ...(commits.length > 0 && { commitMs: quantile(commits, 0.5) }),
      } satisfies Usage);
    }
  });
  process.on("disconnect", () => process.exit());
  process.send?.({ port });
}
