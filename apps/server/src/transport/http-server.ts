import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Gateway } from "@my-bot/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import type { ApiConfig } from "../workspace/config.ts";
import { bearerToken, createAccessPolicy, type Refusal } from "./access.ts";
import { AddressLimits } from "./address-limits.ts";
import { ATTACHMENTS, createAttachmentDoor } from "./attachment-door.ts";
import { Connection } from "./connection.ts";
import { createEventFrames } from "./event-frames.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { createStaticFiles, sendText } from "./static-files.ts";
import { createTrpcDoor } from "./trpc-door.ts";
import { serveRawSocket } from "./websocket-worker.ts";

export interface HttpServerDeps {
  readonly gateway: Gateway;
  readonly api: ApiConfig;
  /** The exported web app. */
  readonly webDir: string | undefined;
  readonly onError: (error: unknown) => void;
  /** Aborts when the server begins to stop: from then on raw sockets are turned away. */
  readonly draining: AbortSignal;
}

export interface RunningServer {
  readonly url: string;
  /** Only this token is good from now on: whoever is connected has to come again with it (SPEC DOOR9). */
  changeToken(token: string | undefined): void;
  /** Sends every client away to reconnect, and resolves when all sockets are gone. */
  close(): Promise<void>;
}

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;
const TOKEN_CHANGED = 4401;
const CLOSE_GRACE_MS = 1000;
const HTTP_LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 120_000, // an image over a slow line
  connectionsCheckingInterval: 1000,
};

/** The one port with all doors: `/ws`, `/trpc`, `/attachments`, `/healthz` and the web app (SPEC DOOR). */
export async function startHttpServer(deps: HttpServerDeps): Promise<RunningServer> {
  const { api } = deps;
  const doors = createDoors(deps);
  const server = createServer(HTTP_LIMITS, (request, response) => doors.handleRequest(request, response));
  server.on("upgrade", (request, socket, head) => doors.handleUpgrade(request, socket, head));
  const address = await listen(server, api);
  const stopHeartbeat = startHeartbeat(doors.sockets, api.ping_seconds * 1000);
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    changeToken: (token) => {
      if (!doors.access.changeToken(token)) return;
      const admitted = doors.sockets();
      for (const socket of admitted) socket.close(TOKEN_CHANGED, "The token was changed");
      setTimeout(() => terminateAll(admitted), CLOSE_GRACE_MS).unref();
      server.closeAllConnections(); // event streams
    },
    close: async () => {
      stopHeartbeat();
      await closeServer(server, doors);
    },
  };
}

function createDoors(deps: HttpServerDeps) {
  const { api, gateway, onError } = deps;
  const { limits } = api;
  const access = createAccessPolicy(api);
  // without a token only this machine can come in (SPEC DOOR5)
  const addresses = api.token === undefined ? undefined : new AddressLimits(limits);
  const options = { noServer: true, maxPayload: limits.frame_bytes, perMessageDeflate: false };
  const raw = new WebSocketServer(options);
  const rpc = new WebSocketServer(options);
  const frames = createEventFrames();
  const trpc = createTrpcDoor({ gateway, access, limits, frames: frames.rpc, onError }, rpc);
  const attachments = createAttachmentDoor({ gateway, access, limits, onError });
  const staticFiles = createStaticFiles(deps.webDir);
  raw.on("connection", openRaw);

  function handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    const refusal = access.check(request) ?? (isOpenDoor(path) ? undefined : access.checkGuesses(request));
    if (refusal) sendText(response, refusal.status, `${refusal.reason}\n`, retryAfter(refusal));
    else if (path === "/healthz") response.writeHead(200, { "Content-Type": "application/json" }).end(`{"ok":true}`);
    else if (path === "/ws") sendText(response, 426, "This is a WebSocket endpoint\n");
    else if (isBelow(path, ATTACHMENTS)) void attachments(request, response, path);
    else if (path.startsWith("/trpc/")) trpc.handle(request, response, path.slice("/trpc/".length)).catch(onError);
    else staticFiles(request, response);
  }

  /** Nothing unchecked goes on from here: one bad upgrade must not end the process (SPEC DOOR4). */
  function handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refusal = access.check(request) ?? access.checkGuesses(request) ?? refuseUpgrade(request);
    if (refusal) sendRefusal(socket, refusal);
    else accept(pathOf(request) === "/ws" ? raw : rpc, request, socket, head);
  }

  function accept(door: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    addresses?.count(request, socket);
    door.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", terminate);
      door.emit("connection", ws, request);
    });
  }

  function refuseUpgrade(request: IncomingMessage): Refusal | undefined {
    const path = pathOf(request);
    if (path !== "/ws" && path !== "/trpc") return { status: 404, reason: "WebSocket endpoints are /ws and /trpc" };
    if (raw.clients.size + rpc.clients.size >= limits.connections)
      return { status: 503, reason: "Too many connections" };
    if (addresses?.hasRoom(request) === false) return { status: 503, reason: "Too many connections from this address" };
    // The RPC door asks for the token at each call, since browsers send it only after the upgrade.
    if (path === "/trpc" || access.visitor(request).shows(bearerToken(request))) return undefined;
    return { status: 401, reason: "This server needs its token: Authorization: Bearer <token>" };
  }

  function openRaw(socket: WebSocket, request: IncomingMessage): void {
    if (deps.draining.aborted) {
      socket.close(TRY_AGAIN_LATER, "WebSocket not available");
      return;
    }
    const connection = new Connection(request.socket, limits);
    const query = new URL(request.url ?? "", "http://localhost").searchParams;
    serveRawSocket({ gateway, socket, connection, query, frames, onError });
  }

  function sockets(): WebSocket[] {
    return [...raw.clients, ...rpc.clients];
  }

  function dismissAll(): void {
    trpc.requestReconnect();
    for (const socket of sockets()) socket.close(SERVICE_RESTART, "Server restart");
  }

  return { access, sockets, handleRequest, handleUpgrade, dismissAll };
}

/** Its peer broke the protocol; ws has sent the close code. No closure, which would keep the request. */
function terminate(this: WebSocket): void {
  this.terminate();
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/** Pages and health, which need no token. */
function isOpenDoor(path: string): boolean {
  return !path.startsWith("/trpc/") && !isBelow(path, ATTACHMENTS);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function retryAfter({ retryAfterSeconds }: Refusal): Readonly<Record<string, string>> {
  return retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) };
}

function sendRefusal(socket: Duplex, refusal: Refusal): void {
  const { status, reason } = refusal;
  const body = `${reason}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(retryAfter(refusal)).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

function listen(server: Server, { host, port }: ApiConfig): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function terminateAll(sockets: readonly WebSocket[]): void {
  for (const socket of sockets) socket.terminate();
}

async function closeServer(server: Server, doors: ReturnType<typeof createDoors>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  doors.dismissAll();
  server.closeIdleConnections();
  const deadline = setTimeout(() => {
    terminateAll(doors.sockets());
    server.closeAllConnections();
  }, CLOSE_GRACE_MS);
  await closed;
  clearTimeout(deadline);
}
