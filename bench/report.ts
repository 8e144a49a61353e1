import type { FanOut } from "./measure-fan-out.ts";
import type { Sends } from "./measure-sends.ts";
import type { StoreSize } from "./measure-store-size.ts";

const OURS = "my-bot";
const STOCK = "tRPC's own adapter";
const WS = "ws, plain broadcast";
const WS_DURABLE = "ws, a synced row first";

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Medians over the rounds, peer by peer. */
function medians<T>(rounds: readonly Readonly<Record<string, T>>[], pick: (figures: T) => number): Map<string, number> {
  const names = Object.keys(rounds[0] ?? {});
  return new Map(
    names.map((name) => [name, median(rounds.flatMap((round) => (round[name] ? [pick(round[name])] : [])))]),
  );
}

/** Server CPU per delivery, in microseconds: what the chart shows. */
export function cpuPerDelivery(rounds: readonly FanOut[]): { clients: number; cpu: Map<string, number> }[] {
  return [
    {
      clients: 1000,
      cpu: medians(
        rounds.map(({ saturated1000 }) => saturated1000),
        ({ cpuMicros }) => cpuMicros,
      ),
    },
    {
      clients: 5000,
      cpu: medians(
        rounds.map(({ saturated5000 }) => saturated5000),
        ({ cpuMicros }) => cpuMicros,
      ),
    },
  ];
}

export function sendTable(rounds: readonly Sends[]): string {
  const of = (pick: (round: Sends) => number): number => median(rounds.map(pick));
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  const rate = (value: number): string => `${Math.round(value).toLocaleString("en")}/s`;
  return table(
    ["sends", "figure"],
    [
      ["one synced SQLite commit, bare", ms(of(({ commitMs }) => commitMs))],
      ["echo over plain `ws`, one client, p50", ms(of(({ echoMs }) => echoMs))],
      ["acknowledged durable send, one client, p50", ms(of(({ sendMs }) => sendMs))],
      ["acknowledged durable send, one client, p99", ms(of(({ sendP99Ms }) => sendP99Ms))],
      ["(send − commit) ÷ echo", `${of((round) => (round.sendMs - round.commitMs) / round.echoMs).toFixed(1)} ×`],
      ["acknowledged durable sends, 50 clients", rate(of(({ sendsPerSecond }) => sendsPerSecond))],
      ["echoes over plain `ws`, 50 clients", rate(of(({ echoesPerSecond }) => echoesPerSecond))],
    ],
  );
}

export function storeTable(sizes: readonly StoreSize[]): string {
  const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;
  return table(
    [
      "events in the log",
      "file",
      "start after a kill",
      "longest",
      "acknowledged send, p50",
      "a session's 100 events, p50",
    ],
    sizes.map(({ events, megabytes, startMs, longestStartMs, sendMs, historyMs }) => [
      events.toLocaleString("en"),
      `${Math.round(megabytes)} MiB`,
      ...[startMs, longestStartMs, sendMs, historyMs].map(ms),
    ]),
  );
}

export function fanOutTable(rounds: readonly FanOut[]): string {
  const micros = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(2));
  const [at1000, at5000] = cpuPerDelivery(rounds);
  const paced = medians(
    rounds.map(({ paced50 }) => paced50),
    ({ cpuMicros }) => cpuMicros,
  );
  const late = medians(
    rounds.map(({ paced50 }) => paced50),
    ({ p99Ms }) => p99Ms ?? Number.NaN,
  );
  const idle = medians(
    rounds.map(({ idle3000 }) => idle3000),
    ({ kibPerConnection }) => kibPerConnection,
  );
  const setUp = medians(
    rounds.map(({ idle3000 }) => idle3000),
    ({ setUpMicros }) => setUpMicros,
  );
  const rows = [...(at1000?.cpu.keys() ?? [])].map((name) => [
    name,
    micros(at1000?.cpu.get(name)),
    micros(at5000?.cpu.get(name)),
    micros(paced.get(name)),
    late.has(name) ? Math.round(late.get(name) ?? 0).toLocaleString("en") : "",
    idle.get(name)?.toFixed(1) ?? "",
    setUp.get(name)?.toFixed(0) ?? "",
  ]);
  return table(
    [
      "server",
      "µs a delivery, 1 000 clients",
      "5 000 clients",
      "50 events/s × 1 000",
      "p99 of these, ms",
      "KiB a connection",
      "µs to set one up",
    ],
    rows,
  );
}

/** What is not a column of its own. */
export function ratioLines(rounds: readonly FanOut[]): string {
  const cpu = (pick: (round: FanOut) => FanOut["paced50"]) => medians(rounds.map(pick), ({ cpuMicros }) => cpuMicros);
  const [at1000, at5000] = cpuPerDelivery(rounds).map(({ cpu: figures }) => figures);
  const paced = cpu(({ paced50 }) => paced50);
  const distinct = cpu(({ distinctIds1000 }) => distinctIds1000);
  const streams = cpu(({ streams200 }) => streams200);
  const held = (pick: (figures: FanOut["paced500"][string]) => number | undefined): number | undefined =>
    medians(
      rounds.map(({ paced500 }) => paced500),
      (figures) => pick(figures) ?? Number.NaN,
    ).get(OURS);
  const trip = medians(
    rounds.map(({ roundTrip }) => roundTrip),
    ({ p50Ms, commitMs }) => p50Ms - commitMs,
  );
  const idle = medians(
    rounds.map(({ idle3000 }) => idle3000),
    ({ setUpMicros }) => setUpMicros,
  );
  const generator = Math.max(
    ...rounds.flatMap(({ saturated5000 }) => Object.values(saturated5000).map(({ generatorCpu }) => generatorCpu)),
  );
  const ratio = (a: number | undefined, b: number | undefined): string =>
    ((a ?? Number.NaN) / (b ?? Number.NaN)).toFixed(2);
  return [
    `1 000 clients: stock ÷ ours ${ratio(at1000?.get(STOCK), at1000?.get(OURS))}, ws ÷ ours ${ratio(at1000?.get(WS), at1000?.get(OURS))}, ours ÷ Bun ${ratio(at1000?.get(OURS), at1000?.get("Bun publish"))}`,
    `5 000 clients: stock ÷ ours ${ratio(at5000?.get(STOCK), at5000?.get(OURS))}, ws ÷ ours ${ratio(at5000?.get(WS), at5000?.get(OURS))}, ours ÷ Bun ${ratio(at5000?.get(OURS), at5000?.get("Bun publish"))}`,
    `50 events/s × 1 000 clients: ours ÷ ws ${ratio(paced.get(OURS), paced.get(WS))}, ours ÷ a ws that stores a row first ${ratio(paced.get(OURS), paced.get(WS_DURABLE))}, stock ÷ ours ${ratio(paced.get(STOCK), paced.get(OURS))}, stock ÷ Bun ${ratio(paced.get(STOCK), paced.get("Bun publish"))}`,
    `each client with another request id: ours ÷ ws ${ratio(distinct.get(OURS), at1000?.get(WS))}, ours ÷ stock ${ratio(distinct.get(OURS), distinct.get(STOCK))}`,
    `200 sessions × 50 tokens/s: ${streams.get(OURS)?.toFixed(1)} µs a token, ours ÷ stock ${ratio(streams.get(OURS), streams.get(STOCK))}`,
    `500 events/s × 1 000 clients: ${Math.round(held(({ deliveriesPerSecond }) => deliveriesPerSecond) ?? 0).toLocaleString("en")} deliveries/s, p99 ${Math.round(held(({ p99Ms }) => p99Ms) ?? 0)} ms, ${held(({ behind }) => behind)} events behind at the end`,
    `a message until it is back as an event, without its durable append: ${trip.get(OURS)?.toFixed(2)} ms; ours ÷ an echo of ws ${ratio(trip.get(OURS), trip.get(WS))}, stock ÷ echo ${ratio(trip.get(STOCK), trip.get(WS))}, ours ÷ an echo that stores a row first ${ratio(trip.get(OURS), trip.get(WS_DURABLE))}, that one ÷ an echo ${ratio(trip.get(WS_DURABLE), trip.get(WS))}`,
    `a connection's set-up: ours ÷ stock ${ratio(idle.get(OURS), idle.get(STOCK))}`,
    `the load generator used at most ${(generator * 100).toFixed(0)} % of a core`,
  ]
    .map((line) => `- ${line}`)
    .join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
