import { setTimeout as delay } from "node:timers/promises";
import { LoadClient } from "./load-client.ts";
import { type Peer, type PeerKind, startPeer } from "./peers.ts";

export interface Measured {
  /** Microseconds of the server's CPU for each delivered event. */
  readonly cpuMicros: number;
  readonly deliveriesPerSecond: number;
  /** From making an event to its arrival, at some of the clients; paced scenarios only. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Events that were made and had not reached every client when the time was over; paced scenarios only. */
  readonly behind?: number;
  /** Share of one core that the load generator used: 1 would make it the bottleneck. */
  readonly generatorCpu: number;
}

export interface Idle {
  readonly kibPerConnection: number;
  /** Of the server, to accept and subscribe one connection. */
  readonly setUpMicros: number;
}

const IN_FLIGHT = 32;
const OPEN_AT_ONCE = 100;
const WATCHED = 20; // clients that measure latency

/** As fast as it goes: 32 events are always on their way to the first client. */
export async function measureSaturated(kind: PeerKind, clients: number, seconds: number): Promise<Measured> {
  await using peer = await startPeer(kind);
  const load = await openClients(peer, clients);
  const [probe] = load;
  if (!probe) throw new Error("No clients");
  let isRunning = true;
  probe.onPayload = () => {
    if (isRunning) peer.order({ type: "publish", count: 1 });
  };
  peer.order({ type: "publish", count: IN_FLIGHT });
  await delay(1000); // warm
  const measured = await measure(peer, load, seconds);
  isRunning = false;
  closeAll(load);
  return measured;
}

/** So many events a second, and how late they come. */
export async function measurePaced(
  kind: PeerKind,
  { clients, perSecond, seconds }: { clients: number; perSecond: number; seconds: number },
): Promise<Measured> {
  await using peer = await startPeer(kind);
  const load = await openClients(peer, clients);
  const latencies: number[] = [];
  const startedAt = performance.now();
  let made = 0;
  const timer = setInterval(() => {
    const count = Math.floor(((performance.now() - startedAt) / 1000) * perSecond) - made; // a late tick makes up for it
    made += count;
    if (count > 0) peer.order({ type: "publish", count });
  }, 1000 / perSecond);
  await delay(1000);
  for (const client of load.filter((_, index) => index % Math.ceil(clients / WATCHED) === 0)) {
    client.onPayload = (payload) => latencies.push(Date.now() - madeAt(payload));
  }
  const measured = await measure(peer, load, seconds);
  const behind = made - Math.min(...load.map(({ received }) => received));
  clearInterval(timer);
  closeAll(load);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
  return { ...measured, p50Ms: quantile(0.5), p99Ms: quantile(0.99), behind };
}

/** Tokens of many sessions, each to its own subscriber. */
export async function measureStreams(
  kind: PeerKind,
  { sessions, tokensPerSecond, seconds }: { sessions: number; tokensPerSecond: number; seconds: number },
): Promise<Measured> {
  await using peer = await startPeer(kind);
  const load = await openClients(peer, sessions);
  peer.order({ type: "stream", sessions, tokensPerSecond });
  await delay(1000);
  const measured = await measure(peer, load, seconds);
  closeAll(load);
  return measured;
}

export async function measureIdle(kind: PeerKind, clients: number): Promise<Idle> {
  await using peer = await startPeer(kind);
  closeAll(await openClients(peer, 200)); // warm
  await delay(500);
  const first = await openCounted(peer, clients);
  closeAll(first.load);
  await delay(500);
  const second = await openCounted(peer, clients); // memory is there already, and the code is compiled
  closeAll(second.load);
  return {
    kibPerConnection: first.rssBytes / clients / 1024,
    setUpMicros: (second.cpuMs / clients) * 1000,
  };
}

/** Collections come before and after: memory is what is held, and the peer's time is none of theirs. */
async function openCounted(peer: Peer, clients: number) {
  peer.order({ type: "collect" });
  const before = await peer.usage();
  const load = await openClients(peer, clients);
  const { cpuMs } = await peer.usage();
  peer.order({ type: "collect" });
  const { rssBytes } = await peer.usage();
  return { load, rssBytes: rssBytes - before.rssBytes, cpuMs: cpuMs - before.cpuMs };
}

async function openClients(peer: Peer, count: number): Promise<LoadClient[]> {
  const clients: LoadClient[] = [];
  while (clients.length < count) {
    const next = Math.min(OPEN_AT_ONCE, count - clients.length);
    const opening = Array.from({ length: next }, (_, i) =>
      LoadClient.open(peer.port, peer.dialect, clients.length + i),
    );
    clients.push(...(await Promise.all(opening)));
  }
  return clients;
}

function closeAll(clients: readonly LoadClient[]): void {
  for (const client of clients) client.close();
}

async function measure(peer: Peer, clients: readonly LoadClient[], seconds: number): Promise<Measured> {
  const received = (): number => clients.reduce((sum, client) => sum + client.received, 0);
  const before = { ...(await peer.usage()), received: received(), at: performance.now(), own: process.cpuUsage() };
  await delay(seconds * 1000);
  const after = { ...(await peer.usage()), received: received(), at: performance.now(), own: process.cpuUsage() };
  const deliveries = after.received - before.received;
  const elapsedMs = after.at - before.at;
  const ownMs = (after.own.user + after.own.system - before.own.user - before.own.system) / 1000;
  return {
    cpuMicros: ((after.cpuMs - before.cpuMs) / deliveries) * 1000,
    deliveriesPerSecond: (deliveries / elapsedMs) * 1000,
    generatorCpu: ownMs / elapsedMs,
  };
}

/** When an event was made, from its `timestamp` in seconds. */
function madeAt(payload: Buffer): number {
  const at = payload.indexOf('"timestamp":') + 12;
  return Number.parseFloat(payload.toString("latin1", at, at + 17)) * 1000;
}
