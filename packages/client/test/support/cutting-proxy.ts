import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line between client and server that can be cut at every byte. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  readonly cuts: number;
  /** Lines that are open now. */
  readonly lines: number;
  /** Drops every open line. */
  cut(): void;
  /** From now on bytes of this direction are swallowed, on open and new lines. Undone by `cut`. */
  swallow(direction: "requests" | "answers"): void;
  /** Resolves when the next bytes have been swallowed. */
  swallowed(): Promise<void>;
  /** Makes a call, and cuts the line once its bytes of this direction have been swallowed. */
  lose<T>(direction: "requests" | "answers", call: () => Promise<T>): Promise<T>;
  /** Cuts each line in the middle of the n-th piece that the server sends on it, `times` times in all. */
  cutInAnswers(n: number, times: number): void;
}

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  answers: number;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const events = new EventEmitter();
  const lines = new Set<Line>();
  let swallowing: "requests" | "answers" | undefined;
  let plan = { n: 0, times: 0 };
  let cuts = 0;

  function drop(line: Line): void {
    if (!lines.delete(line)) return;
    line.client.destroy();
    line.server.destroy();
  }

  function cut(): void {
    swallowing = undefined;
    cuts += 1;
    for (const line of lines) drop(line);
  }

  function forwardAnswer(line: Line, bytes: Buffer): void {
    if (swallowing === "answers") {
      events.emit("swallowed");
      return;
    }
    line.answers += 1;
    if (plan.times === 0 || line.answers < plan.n) {
      line.client.write(bytes);
      return;
    }
    plan.times -= 1;
    cuts += 1;
    line.client.write(bytes.subarray(0, bytes.length / 2), () => drop(line));
  }

  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: Number(new URL(target).port), host: "127.0.0.1", noDelay: true });
    const line: Line = { client, server, answers: 0 };
    lines.add(line);
    client.on("data", (bytes) => {
      if (swallowing === "requests") events.emit("swallowed");
      else server.write(bytes);
    });
    server.on("data", (bytes) => forwardAnswer(line, bytes));
    for (const socket of [client, server]) socket.on("error", () => drop(line)).on("close", () => drop(line));
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    get lines() {
      return lines.size;
    },
    cut,
    swallow: (direction) => {
      swallowing = direction;
    },
    lose: async (direction, call) => {
      swallowing = direction;
      const swallowed = once(events, "swallowed");
      const [result] = await Promise.all([call(), swallowed.then(cut)]);
      return result;
    },
    swallowed: async () => {
      await once(events, "swallowed");
    },
    cutInAnswers: (n, times) => {
      plan = { n, times };
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
