import type { IncomingMessage, ServerResponse } from "node:http";
import { appRouter, BotError, type ConnectionContext, type Gateway } from "@my-bot/protocol";
import { nodeHTTPRequestHandler } from "@trpc/server/adapters/node-http";
import type { WebSocketServer } from "ws";
import type { LimitsConfig } from "../workspace/config.ts";
import { type AccessPolicy, bearerToken } from "./access.ts";
import { Connection, connectionOf } from "./connection.ts";
import { RpcSocket } from "./rpc-socket.ts";
import type { SharedFrames } from "./shared-frames.ts";

export interface TrpcDoorDeps {
  readonly gateway: Gateway;
  readonly access: AccessPolicy;
  readonly limits: LimitsConfig;
  readonly frames: SharedFrames;
  readonly onError: (error: unknown) => void;
}

const RECONNECT = JSON.stringify({ id: null, method: "reconnect" });

/** The router behind its two doors: sockets of `wss`, and requests below `/trpc/` (SPEC RPC). */
export function createTrpcDoor(deps: TrpcDoorDeps, wss: WebSocketServer) {
  const { access, limits } = deps;
  wss.on("connection", (socket, request) => {
    const connection = new Connection(request.socket, limits);
    const bearer = bearerToken(request);
    RpcSocket.open(deps, {
      socket,
      connection,
      expectsParams: /[?&]connectionParams=1(?:&|$)/.test(request.url ?? ""),
      createContext: (params) => contextOf(deps.gateway, connection, () => access.isToken(bearer ?? params?.token)),
    });
  });
  return {
    /** Tells every stock client to open a new connection. */
    requestReconnect: () => {
      for (const socket of wss.clients) socket.send(RECONNECT, () => undefined);
    },
    handle: (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> =>
      nodeHTTPRequestHandler({
        req: request,
        res: response,
        path,
        router: appRouter,
        maxBatchSize: limits.batch_calls,
        maxBodySize: limits.frame_bytes,
        createContext: ({ req, info }) => {
          const token = bearerToken(req) ?? info.connectionParams?.token;
          return contextOf(deps.gateway, connectionOf(req.socket, limits), () => access.isToken(token));
        },
        onError: ({ error }) => {
          if (error.code === "INTERNAL_SERVER_ERROR") deps.onError(error.cause ?? error);
        },
      }),
  };
}

function contextOf(gateway: Gateway, connection: Connection, isAllowed: () => boolean): ConnectionContext {
  return {
    gateway,
    // Refused call by call, not as a connection: each caller is told, and a client does not reconnect for ever.
    admitCall: () => {
      if (!isAllowed()) throw new BotError("UNAUTHORIZED", "This server needs its token");
      connection.countCall();
    },
    writable: () => connection.writable(),
  };
}
