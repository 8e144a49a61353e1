import { once } from "node:events";
import { WebSocket } from "ws";
import { MessageQueue } from "./message-queue.ts";

export interface Frame {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface RawClient extends AsyncDisposable {
  readonly socket: WebSocket;
  /** Frames as they came, unparsed. */
  readonly texts: string[];
  readonly frames: readonly Frame[];
  readonly closed: Promise<{ code: number; reason: string }>;
  /** An object goes out as JSON, anything else as it is. */
  send(message: object | string | Buffer): void;
  /** The next frame of this type; those before it are dropped. */
  next(type?: string): Promise<Frame>;
}

/** A raw `/ws` client, as someone would write it in any language. */
export async function connectRaw(url: string, query = "", headers: Record<string, string> = {}): Promise<RawClient> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws${query}`, { headers });
  const queue = new MessageQueue<Frame>();
  const texts: string[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on("message", (data) => {
    texts.push(data.toString());
    queue.push(JSON.parse(data.toString()));
  });
  await once(socket, "open");
  socket.on("error", () => undefined); // shows as `closed`
  return {
    socket,
    texts,
    frames: queue.all,
    closed,
    send: (message) =>
      socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    next: (type) => queue.next(type ?? "a frame", (frame) => type === undefined || frame.type === type),
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}
