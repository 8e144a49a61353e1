import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { appRouter, type Gateway } from "@my-bot/protocol";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { startHttpServer } from "../../src/transport/http-server.ts";
import type { ApiConfig } from "../../src/workspace/config.ts";

export interface RpcDoor extends AsyncDisposable {
  readonly port: number;
  /** Asks the clients to reconnect, where closing does not. */
  dismiss(): void;
}

export type StartRpcDoor = (gateway: Gateway, api: ApiConfig) => Promise<RpcDoor>;

/** The transport of the product. */
export const startOurDoor: StartRpcDoor = async (gateway, api) => {
  const draining = new AbortController().signal;
  const onError = (error: unknown): void => void process.stderr.write(`${error}\n`);
  const server = await startHttpServer({ gateway, api, webDir: undefined, onError, draining });
  return { port: Number(new URL(server.url).port), dismiss: () => undefined, [Symbol.asyncDispose]: server.close };
};

/** The adapter that comes with tRPC, on the same router. */
export const startStockDoor: StartRpcDoor = async (gateway, { limits }) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const options = { server, path: "/trpc", maxPayload: limits.frame_bytes, perMessageDeflate: false };
  const wss = new WebSocketServer(options);
  const context = { gateway, admitCall: () => undefined, writable: () => undefined };
  const maxBatchSize = limits.batch_calls;
  const handler = applyWSSHandler({ wss, router: appRouter, maxBatchSize, createContext: () => context });
  return {
    port: (server.address() as AddressInfo).port,
    dismiss: handler.broadcastReconnectNotification,
    [Symbol.asyncDispose]: async () => {
      for (const socket of wss.clients) socket.close();
      server.close();
      await once(server, "close");
    },
  };
};
