import { quantile } from "../send-workload.ts";
import { LoadClient } from "./load-client.ts";
import { type PeerKind, startPeer } from "./peers.ts";

export interface RoundTrip {
  /** From a message to its own event, at its sender; median. */
  readonly p50Ms: number;
  /** Of the durable append in between, from the beginning of its transaction until it is synced; 0 where nothing is stored. */
  readonly commitMs: number;
}

const WARM = 200;
const MEASURED = 1000;

/** One client sends a message, waits until it comes back to it as an event, and sends the next. */
export async function measureRoundTrip(kind: PeerKind): Promise<RoundTrip> {
  await using peer = await startPeer(kind);
  const client = await LoadClient.open(peer.port, peer.dialect, 0);
  let arrived: (() => void) | undefined;
  client.onPayload = (payload) => {
    if (payload.includes('"InboundEvent"')) arrived?.();
  };
  const latencies: number[] = [];
  for (let number = 0; number < WARM + MEASURED; number += 1) {
    const own = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    if (number === WARM) await peer.usage(); // begins a new count of commits
    const startedAt = performance.now();
    client.send(messageOf(kind, number));
    await own;
    if (number >= WARM) latencies.push(performance.now() - startedAt);
  }
  const { commitMs = 0 } = await peer.usage();
  client.close();
  return { p50Ms: quantile(latencies, 0.5), commitMs };
}

/** A mutation for a router; a server that echoes gets the event itself. */
function messageOf({ dialect }: PeerKind, number: number): string {
  const message = { source: "bench", content: "A message of a usual length, as somebody would write it.", number };
  if (dialect.path !== "/trpc") return JSON.stringify({ type: "InboundEvent", ...message });
  const input = { source: message.source, content: message.content, message_id: `message-${number}` };
  return JSON.stringify({ id: number + 2, method: "mutation", params: { path: "send", input } });
}
