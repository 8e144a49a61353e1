import { LRUCache } from "lru-cache";
import type { LimitsConfig } from "../workspace/config.ts";
import { addressOf, type Sent } from "./sender.ts";

const MAX_ADDRESSES = 10_000;

type AddressLimitsConfig = Pick<LimitsConfig, "connections_per_address" | "new_connections_per_second">;

interface Closing {
  once(event: "close", listener: () => void): unknown;
}

/** Sockets from other machines: how many of one address at once, and how many new ones in a second (SPEC DOOR11). */
export class AddressLimits {
  readonly #limits: AddressLimitsConfig;
  readonly #open = new Map<string, number>();
  readonly #opened = new LRUCache<string, number>({
    max: MAX_ADDRESSES,
    ttl: 1000,
    ttlResolution: 0,
    noUpdateTTL: true,
  });

  constructor(limits: AddressLimitsConfig) {
    this.#limits = limits;
  }

  hasRoom(request: Sent): boolean {
    const address = addressOf(request);
    if (address === undefined) return true;
    const opened = (this.#opened.get(address) ?? 0) + 1;
    this.#opened.set(address, opened);
    const { connections_per_address: most, new_connections_per_second: mostNew } = this.#limits;
    return opened <= mostNew && (this.#open.get(address) ?? 0) < most;
  }

  /** Counts this socket until it closes. */
  count(request: Sent, socket: Closing): void {
    const address = addressOf(request);
    if (address === undefined) return;
    this.#add(address, 1);
    socket.once("close", () => this.#add(address, -1));
  }

  #add(address: string, change: 1 | -1): void {
    const open = (this.#open.get(address) ?? 0) + change;
    if (open > 0) this.#open.set(address, open);
    else this.#open.delete(address);
  }
}
