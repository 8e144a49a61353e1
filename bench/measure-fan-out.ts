import {
  ALL,
  BUN,
  bySession,
  distinctIds,
  OURS,
  type PeerKind,
  SOCKET_IO,
  STOCK,
  WS,
  WS_DURABLE,
  WS_PREBUILT,
} from "./fan-out/peers.ts";
import { measureRoundTrip, type RoundTrip } from "./fan-out/round-trip.ts";
import {
  type Idle,
  type Measured,
  measureIdle,
  measurePaced,
  measureSaturated,
  measureStreams,
} from "./fan-out/scenarios.ts";

const SECONDS = 4;

/** By peer. */
type Figures<T> = Readonly<Record<string, T>>;

export interface FanOut {
  readonly saturated1000: Figures<Measured>;
  readonly saturated5000: Figures<Measured>;
  readonly distinctIds1000: Figures<Measured>;
  readonly paced50: Figures<Measured>;
  readonly paced500: Figures<Measured>;
  readonly streams200: Figures<Measured>;
  readonly idle3000: Figures<Idle>;
  readonly roundTrip: Figures<RoundTrip>;
}

/** One round of every scenario: peers take turns. */
export async function measureFanOut(say: (line: string) => void): Promise<FanOut> {
  const each = async <T>(what: string, kinds: readonly PeerKind[], measure: (kind: PeerKind) => Promise<T>) => {
    const figures: Record<string, T> = {};
    for (const kind of kinds) {
      figures[kind.name] = await measure(kind);
      say(`${what}, ${kind.name}: ${JSON.stringify(figures[kind.name])}`);
    }
    return figures;
  };
  const paced = (perSecond: number) => (kind: PeerKind) =>
    measurePaced(kind, { clients: 1000, perSecond, seconds: SECONDS });
  const streams = { sessions: 200, tokensPerSecond: 50, seconds: SECONDS };
  return {
    saturated1000: await each("1 000 clients", ALL, (kind) => measureSaturated(kind, 1000, SECONDS)),
    saturated5000: await each("5 000 clients", ALL, (kind) => measureSaturated(kind, 5000, SECONDS)),
    distinctIds1000: await each("1 000 request ids", [distinctIds(OURS), distinctIds(STOCK)], (kind) =>
      measureSaturated(kind, 1000, SECONDS),
    ),
    paced50: await each("50 events/s", [OURS, STOCK, WS, WS_DURABLE, WS_PREBUILT, SOCKET_IO, BUN], paced(50)),
    paced500: await each("500 events/s", [OURS, BUN], paced(500)),
    streams200: await each("200 sessions", [bySession(OURS), bySession(STOCK)], (kind) =>
      measureStreams(kind, streams),
    ),
    idle3000: await each("idle", ALL, (kind) => measureIdle(kind, 3000)),
    roundTrip: await each("round trip", [OURS, STOCK, WS, WS_DURABLE], measureRoundTrip),
  };
}
