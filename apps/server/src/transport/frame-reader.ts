import type { EventBatch, EventReader, Following } from "@my-bot/protocol";
import type { WebSocket } from "ws";
import type { Connection } from "./connection.ts";
import type { SharedFrames } from "./shared-frames.ts";

export interface FrameReaderOptions {
  readonly socket: WebSocket;
  readonly connection: Connection;
  readonly frames: SharedFrames;
  /** What each frame begins with. */
  readonly beginning: string;
  /** Nothing more comes. */
  readonly onFail: (error: unknown) => void;
}

/** Reads events as frames into one socket, at its pace: when it is full, the log waits (SPEC BUS7). */
export class FrameReader implements EventReader {
  readonly #options: FrameReaderOptions;
  #following: Following | undefined;
  #isStopped = false;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** To be called once, with what `follow` gave. */
  attach(following: Following): void {
    this.#following = following;
    if (this.#isStopped) following.stop();
  }

  take(batch: EventBatch): boolean {
    const { socket, connection, frames, beginning } = this.#options;
    if (socket.readyState !== socket.OPEN) return false;
    const bytes = frames.of(batch, beginning);
    if (bytes === undefined || connection.write(bytes)) return true;
    // Not at once: a follower may still be on its way to be attached.
    setImmediate(() => connection.onceDrained(() => this.#following?.resume()));
    return false;
  }

  fail(error: unknown): void {
    this.#options.onFail(error);
  }

  stop(): void {
    this.#isStopped = true;
    this.#following?.stop();
  }
}
