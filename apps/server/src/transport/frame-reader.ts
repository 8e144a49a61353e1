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
  /** A frame of its own before all others, in one write with the first of them. */
  readonly opening?: Buffer;
  /** Nothing more comes. */
  readonly onFail: (error: unknown) => void;
}

/** Reads events as frames into one socket, at its pace: when it is full, the log waits (SPEC BUS7). */
export class FrameReader implements EventReader {
  readonly #options: FrameReaderOptions;
  #opening: Buffer | undefined; // until it is sent
  #following: Following | undefined;
  #isStopped = false;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
    this.#opening = options.opening;
  }

  /** To be called once, with what `follow` gave. */
  attach(following: Following): void {
    this.#following = following;
    this.#open();
    if (this.#isStopped) following.stop();
  }

  take(batch: EventBatch): boolean {
    const { socket, connection, frames, beginning } = this.#options;
    if (socket.readyState !== socket.OPEN) return false;
    const bytes = frames.of(batch, beginning);
    if (bytes === undefined || connection.write(this.#withOpening(bytes))) return true;
    // Not at once: a follower may still be on its way to be attached.
    setImmediate(() => connection.onceDrained(() => this.#following?.resume()));
    return false;
  }

  fail(error: unknown): void {
    this.#open();
    this.#options.onFail(error);
  }

  stop(): void {
    this.#isStopped = true;
    this.#following?.stop();
  }

  #withOpening(bytes: Buffer): Buffer {
    if (this.#opening === undefined) return bytes;
    const all = Buffer.concat([this.#opening, bytes]);
    this.#opening = undefined;
    return all;
  }

  /** Nothing was there to go with it. */
  #open(): void {
    if (this.#opening === undefined || this.#options.socket.readyState !== this.#options.socket.OPEN) return;
    this.#options.connection.write(this.#opening);
    this.#opening = undefined;
  }
}
