import type { WebSocket, WebSocketServer } from "ws";

const PING_INTERVAL_MS = 25_000;

/** Pings every socket; one that has not answered by the next ping is dead and dropped (SPEC DOOR6). Returns the stop. */
export function startHeartbeat(servers: readonly WebSocketServer[], intervalMs = PING_INTERVAL_MS): () => void {
  const silent = new WeakSet<WebSocket>(); // pinged, and not heard from since
  const timer = setInterval(() => {
    for (const socket of servers.flatMap((server) => [...server.clients])) {
      if (silent.has(socket)) socket.terminate();
      else {
        silent.add(socket);
        socket.ping();
      }
    }
  }, intervalMs);
  for (const server of servers) {
    server.on("connection", (socket) => socket.on("pong", () => silent.delete(socket)));
  }
  return () => clearInterval(timer);
}
