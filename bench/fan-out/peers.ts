import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Order, Usage } from "./control.ts";
import type { Dialect } from "./load-client.ts";

export interface PeerKind {
  readonly name: string;
  readonly file: string;
  readonly args?: readonly string[];
  readonly dialect: Dialect;
  readonly isBun?: boolean;
}

export interface Peer extends AsyncDisposable {
  readonly port: number;
  readonly dialect: Dialect;
  order(order: Order): void;
  usage(): Promise<Usage>;
}

const subscribe = (id: unknown, input?: object): string =>
  JSON.stringify({ id, method: "subscription", params: { path: "events", input } });
/** `started`, then `SyncedEvent`. */
const rpc: Dialect = { path: "/trpc", hello: () => [subscribe(1)], greetings: 2 };
const plain: Dialect = { path: "/", hello: () => [], greetings: 0 };
const socketIo: Dialect = { path: "/socket.io/?EIO=4&transport=websocket", hello: () => ["40"], greetings: 2 };

export const OURS: PeerKind = { name: "my-bot", file: "my-bot-peer.ts", args: ["ours"], dialect: rpc };
export const STOCK: PeerKind = { name: "tRPC's own adapter", file: "my-bot-peer.ts", args: ["stock"], dialect: rpc };
export const WS: PeerKind = { name: "ws, plain broadcast", file: "ws-peer.ts", args: ["plain"], dialect: plain };
export const WS_PREBUILT: PeerKind = {
  name: "ws, prebuilt frames",
  file: "ws-peer.ts",
  args: ["prebuilt"],
  dialect: plain,
};
/** Stores a row, synced, before it sends anything: what durability costs by itself. */
export const WS_DURABLE: PeerKind = {
  name: "ws, a synced row first",
  file: "ws-peer.ts",
  args: ["durable"],
  dialect: plain,
};
export const SOCKET_IO: PeerKind = { name: "socket.io", file: "socket-io-peer.mjs", dialect: socketIo };
export const BUN: PeerKind = { name: "Bun publish", file: "bun-peer.mjs", dialect: plain, isBun: true };
export const ALL: readonly PeerKind[] = [OURS, STOCK, WS, WS_PREBUILT, SOCKET_IO, BUN];

/** Every client with another request id. */
export const distinctIds = (kind: PeerKind): PeerKind => ({
  ...kind,
  dialect: { ...rpc, hello: (index) => [subscribe(index + 1)] },
});
/** Client `index` follows session `s<index>` alone. */
export const bySession = (kind: PeerKind): PeerKind => ({
  ...kind,
  dialect: { ...rpc, hello: (index) => [subscribe(1, { session_id: `s${index}` })] },
});

export async function startPeer({ file, args = [], dialect, isBun }: PeerKind): Promise<Peer> {
  const path = join(import.meta.dirname, file);
  const child = isBun
    ? startBun(path)
    : fork(path, args, { execArgv: ["--expose-gc", "--conditions=@my-bot/source"], serialization: "json" });
  const [{ port }] = await once(child, "message");
  return {
    port,
    dialect,
    order: (order) => void child.send(order),
    usage: async () => {
      const answer = once(child, "message");
      child.send({ type: "usage" } satisfies Order);
      return (await answer)[0];
    },
    [Symbol.asyncDispose]: async () => {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

function startBun(path: string): ChildProcess {
  const bun = join(import.meta.dirname, "../node_modules/.bin/bun");
  return spawn(bun, [path], { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "json" });
}
