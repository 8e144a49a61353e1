import { once } from "node:events";
import { WebSocket } from "ws";

/** One raw client that sends a message and waits for its acknowledgement, again and again. */
export class Sender {
  readonly #socket: WebSocket;
  readonly #source: string;
  #acknowledged: ((value: unknown) => void) | undefined;
  #count = 0;

  private constructor(socket: WebSocket, source: string) {
    this.#socket = socket;
    this.#source = source;
    socket.on("message", () => this.#acknowledged?.(undefined));
  }

  /** `path` narrows what the server sends back to this sender's own messages. */
  static async connect(url: string, source: string): Promise<Sender> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    return new Sender(socket, source);
  }

  async send(): Promise<void> {
    const acknowledged = new Promise((resolve) => {
      this.#acknowledged = resolve;
    });
    this.#socket.send(JSON.stringify({ source: this.#source, content: `message ${this.#count++}` }));
    await acknowledged;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Milliseconds of each of `count` sends, one after the other. */
export async function measureLatencies(sender: Sender, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await sender.send();
    latencies.push(performance.now() - start);
  }
  return latencies;
}

/** Acknowledged sends per second of all senders together, for `ms` milliseconds. */
export async function measureThroughput(senders: readonly Sender[], ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  const work = async (sender: Sender): Promise<void> => {
    while (performance.now() < end) {
      await sender.send();
      count += 1;
    }
  };
  await Promise.all(senders.map(work));
  return (count / ms) * 1000;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
