import type { IncomingMessage, ServerResponse } from "node:http";
import { appRouter, BotError, type ConnectionContext, type Gateway } from "@my-bot/protocol";
import { nodeHTTPRequestHandler } from "@trpc/server/adapters/node-http";
import type { WebSocket, WebSocketServer } from "ws";
import type { LimitsConfig } from "../workspace/config.ts";
import { type AccessPolicy, bearerToken } from "./access.ts";
import { Connection, connectionOf } from "./connection.ts";
import { RpcSocket } from "./rpc-socket.ts";
import type { SharedFrames } from "./shared-frames.ts";
import type { Visitor } from "./visitor.ts";

export interface TrpcDoorDeps {
  readonly gateway: Gateway;
  readonly access: AccessPolicy;
  readonly limits: LimitsConfig;
  readonly frames: SharedFrames;
  readonly onError: (error: unknown) => void;
}

const POLICY_VIOLATION = 1008;
const STRANGER_MS = 10_000;
const STRANGER_BYTES = 64 * 1024; // one frame
const RECONNECT = JSON.stringify({ id: null, method: "reconnect" });

/** The router behind its two doors: sockets of `wss`, and requests below `/trpc/` (SPEC RPC). */
export function createTrpcDoor(deps: TrpcDoorDeps, wss: WebSocketServer) {
  const { access, limits } = deps;
  wss.on("connection", (socket, request) => {
    const connection = new Connection(request.socket, limits);
    const bearer = bearerToken(request);
    const visitor = access.visitor(request);
    if (!visitor.shows(bearer)) limitStranger(socket, visitor);
    RpcSocket.open(deps, {
      socket,
      connection,
      expectsParams: /[?&]connectionParams=1(?:&|$)/.test(request.url ?? ""),
      createContext: (params) => {
        const isAllowed = (): boolean => visitor.shows(bearer ?? params?.token); // it may be changed meanwhile
        isAllowed();
        return contextOf(deps.gateway, connection, isAllowed);
      },
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
          const visitor = access.visitor(req);
          return contextOf(deps.gateway, connectionOf(req.socket, limits), () => visitor.shows(token));
        },
        onError: ({ error }) => {
          if (error.code === "INTERNAL_SERVER_ERROR") deps.onError(error.cause ?? error);
        },
      }),
  };
}

/** Who has not shown the token may not stay, nor send much (SPEC DOOR12). */
function limitStranger(socket: WebSocket, visitor: Visitor): void {
  const end = (reason: string): void => {
    if (!visitor.isKnown) socket.close(POLICY_VIOLATION, reason);
  };
  const overdue = setTimeout(end, STRANGER_MS, "This server needs its token");
  socket.on("message", (data) => {
    if (Buffer.isBuffer(data) && data.length > STRANGER_BYTES) end("Too much without the token");
  });
  socket.on("close", () => clearTimeout(overdue));
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
