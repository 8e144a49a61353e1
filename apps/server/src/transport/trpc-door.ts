import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { appRouter, BotError, type ConnectionContext, type Gateway } from "@my-bot/protocol";
import { nodeHTTPRequestHandler } from "@trpc/server/adapters/node-http";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import type { WebSocketServer } from "ws";
import type { LimitsConfig } from "../workspace/config.ts";
import { type AccessPolicy, bearerToken } from "./access.ts";
import { Connection } from "./connection.ts";

export interface TrpcDoorDeps {
  readonly gateway: Gateway;
  readonly access: AccessPolicy;
  readonly limits: LimitsConfig;
  readonly onError: (error: unknown) => void;
}

/** The router behind its two doors: sockets of `wss`, and requests below `/trpc/` (SPEC RPC). */
export function createTrpcDoor(deps: TrpcDoorDeps, wss: WebSocketServer) {
  const onError = ({ error }: { error: Error & { code: string } }): void => {
    if (error.code === "INTERNAL_SERVER_ERROR") deps.onError(error.cause ?? error);
  };
  const sockets = applyWSSHandler({
    wss,
    router: appRouter,
    maxBatchSize: deps.limits.batch_calls,
    createContext: ({ req, info }) => createContext(deps, req, info.connectionParams?.token),
    onError,
  });
  return {
    /** Tells every stock client to open a new connection. */
    requestReconnect: () => sockets.broadcastReconnectNotification(),
    handle: (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> =>
      nodeHTTPRequestHandler({
        req: request,
        res: response,
        path,
        router: appRouter,
        maxBatchSize: deps.limits.batch_calls,
        maxBodySize: deps.limits.frame_bytes,
        createContext: ({ req, info }) => createContext(deps, req, info.connectionParams?.token),
        onError,
      }),
  };
}

/** Keep-alive requests of one socket share its limits. */
const connections = new WeakMap<Socket, Connection>();

function createContext(deps: TrpcDoorDeps, request: IncomingMessage, token: string | undefined): ConnectionContext {
  const { gateway, access, limits } = deps;
  const connection = connections.get(request.socket) ?? new Connection(request.socket, limits);
  connections.set(request.socket, connection);
  return {
    gateway,
    // Refused call by call, not as a connection: each caller is told, and a client does not reconnect for ever.
    admitCall: () => {
      if (!access.isToken(bearerToken(request) ?? token))
        throw new BotError("UNAUTHORIZED", "This server needs its token");
      connection.countCall();
    },
    openSubscription: () => connection.openSubscription(),
    writable: () => connection.writable(),
  };
}
