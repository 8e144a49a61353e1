import { once } from "node:events";
import { WebSocket } from "ws";
import { text, type WireEvent } from "../wire/wire-event.ts";

export interface HealthyReport {
  /** One sentence for each thing that should not have happened. */
  readonly hurt: readonly string[];
  readonly healthySent: number;
  readonly healthyP99Ms: number;
  readonly healthyMaxMs: number;
}

const PERIOD_MS = 50;
const PATIENCE_MS = 5000;

/** Sends a correct message every 50 ms and waits for each receipt; what others do must not reach it. */
export async function startHealthyClient(url: string): Promise<{ stop(): Promise<HealthyReport> }> {
  const run = Date.now().toString(36);
  const hurt: string[] = [];
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  let sent = 0;
  let isStopping = false;
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws?events=all&session=none`);
  socket.on("message", (data) => {
    const event: WireEvent = JSON.parse(data.toString());
    const id = text(event.message_id) ?? "";
    const at = sentAt.get(id);
    if (event.type === "error") hurt.push(`refused: ${event.message}`);
    if (event.type !== "InboundEvent" || at === undefined) return;
    latencies.push(performance.now() - at);
    sentAt.delete(id);
  });
  socket.on("close", (code) => isStopping || hurt.push(`closed with ${code}`));
  await once(socket, "open");
  socket.on("error", (error) => hurt.push(error.message));
  const timer = setInterval(() => {
    if (socket.readyState !== socket.OPEN) return;
    const message_id = `healthy-${run}-${sent}`;
    sentAt.set(message_id, performance.now());
    sent += 1;
    socket.send(JSON.stringify({ source: `healthy-${run}-${Math.floor(sent / 40)}`, content: "Hi", message_id }));
  }, PERIOD_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      const deadline = performance.now() + PATIENCE_MS;
      while (sentAt.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      if (sentAt.size > 0) hurt.push(`${sentAt.size} messages without a receipt`);
      isStopping = true;
      socket.terminate();
      const sorted = latencies.toSorted((a, b) => a - b);
      const quantile = (share: number): number => Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? 0);
      return { hurt, healthySent: sent, healthyP99Ms: quantile(0.99), healthyMaxMs: quantile(1) };
    },
  };
}
