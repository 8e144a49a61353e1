import type { Socket } from "node:net";
import { BotError } from "@my-bot/protocol";
import type { LimitsConfig } from "../workspace/config.ts";

const BURST_SECONDS = 4;
/** Events wait in the log, so what piles up beyond `buffered_bytes` are answers to a peer that asks and does not read. */
const MAX_BACKLOGS = 4;

/** What one socket may use: calls for each second, unsent bytes. */
export class Connection {
  readonly #socket: Socket;
  readonly #limits: LimitsConfig;
  #calls: number; // that may be made at once
  #refilledAt = performance.now();
  #waiting: (() => void)[] | undefined; // for the socket to drain

  constructor(socket: Socket, limits: LimitsConfig) {
    this.#socket = socket;
    this.#limits = limits;
    this.#calls = limits.messages_per_second * BURST_SECONDS;
  }

  countCall(): void {
    const rate = this.#limits.messages_per_second;
    const now = performance.now();
    this.#calls = Math.min(rate * BURST_SECONDS, this.#calls + ((now - this.#refilledAt) / 1000) * rate);
    this.#refilledAt = now;
    if (this.#calls < 1) throw new BotError("TOO_MANY_REQUESTS", `More than ${rate} messages per second; slow down`);
    this.#calls -= 1;
  }

  /** To be asked for each frame that comes. False: its peer asks on and on without reading, and was cut off (SPEC DOOR8). */
  admitFrame(): boolean {
    if (this.#socket.writableLength <= MAX_BACKLOGS * this.#limits.buffered_bytes) return true;
    this.#socket.destroy();
    return false;
  }

  /** Sends finished WebSocket frames; false when the socket has no room for more (SPEC BUS7). */
  write(frames: Buffer): boolean {
    this.#socket.write(frames);
    return this.#hasRoom;
  }

  /** Calls once the socket has sent what it holds, or is gone. */
  onceDrained(callback: () => void): void {
    if (this.#hasRoom) callback();
    else if (this.#waiting) this.#waiting.push(callback);
    else this.#wait([callback]);
  }

  /** The same for who waits; undefined: there is room. */
  writable(): Promise<void> | undefined {
    return this.#hasRoom ? undefined : new Promise((resolve) => this.onceDrained(resolve));
  }

  #wait(waiting: (() => void)[]): void {
    this.#waiting = waiting;
    const done = (): void => {
      this.#socket.off("drain", done).off("close", done);
      this.#waiting = undefined;
      for (const resume of waiting) resume();
    };
    this.#socket.on("drain", done).on("close", done);
  }

  get #hasRoom(): boolean {
    return this.#socket.writableLength <= this.#limits.buffered_bytes || this.#socket.destroyed;
  }
}

const ofRequests = new WeakMap<Socket, Connection>();

/** Keep-alive requests of one socket share its limits. */
export function connectionOf(socket: Socket, limits: LimitsConfig): Connection {
  const connection = ofRequests.get(socket) ?? new Connection(socket, limits);
  ofRequests.set(socket, connection);
  return connection;
}
