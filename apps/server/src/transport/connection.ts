import type { Socket } from "node:net";
import { BotError } from "@my-bot/protocol";
import type { LimitsConfig } from "../workspace/config.ts";

const BURST_SECONDS = 4;

/** What one socket may use: calls for each second, subscriptions, unsent bytes. */
export class Connection {
  readonly #socket: Socket;
  readonly #limits: LimitsConfig;
  #calls: number; // that may be made at once
  #refilledAt = performance.now();
  #subscriptions = 0;
  #drained: Promise<void> | undefined;

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

  openSubscription(): () => void {
    const limit = this.#limits.subscriptions;
    if (this.#subscriptions >= limit) {
      throw new BotError("TOO_MANY_REQUESTS", `More than ${limit} subscriptions on one connection`);
    }
    this.#subscriptions += 1;
    return () => {
      this.#subscriptions -= 1;
    };
  }

  /** Undefined: there is room. Resolves when the socket has sent what it holds, or is gone. */
  writable(): Promise<void> | undefined {
    if (this.#socket.writableLength <= this.#limits.buffered_bytes || this.#socket.destroyed) return undefined;
    this.#drained ??= new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done).off("close", done);
        this.#drained = undefined;
        resolve();
      };
      this.#socket.on("drain", done).on("close", done);
    });
    return this.#drained;
  }
}
