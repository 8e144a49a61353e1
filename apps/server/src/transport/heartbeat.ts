import type { WebSocket } from "ws";

/** Pings every socket; one that has not answered by the next ping is dead and dropped (SPEC DOOR6). Returns the stop. */
export function startHeartbeat(sockets: () => readonly WebSocket[], intervalMs: number): () => void {
  const silent = new WeakSet<WebSocket>(); // pinged, and not heard from since
  const ping = (socket: WebSocket): void => {
    silent.add(socket);
    socket.once("pong", () => silent.delete(socket));
    socket.ping();
  };
  const timer = setInterval(() => {
    for (const socket of sockets()) {
      if (silent.has(socket)) socket.terminate();
      else ping(socket);
    }
  }, intervalMs);
  return () => clearInterval(timer);
}
