import { setTimeout as delay } from "node:timers/promises";
import { type FullDiskCounts, judge, type Verdict } from "../ledger/ledger.ts";
import { createRandom, type Random } from "../ledger/random.ts";
import { answerTo } from "../model/scripted-model.ts";
import { startLineProxy } from "../server/line-proxy.ts";
import type { ServerCommand } from "../server/server-command.ts";
import type { SmallDisk } from "../server/small-disk.ts";
import { StartTally } from "../server/start-tally.ts";
import { readLog } from "../wire/read-log.ts";
import { rawLine, Sender, trpcLine } from "../wire/sender.ts";
import { followRaw, followTrpc, type LogSubscriber } from "../wire/subscriber.ts";
import { text, type WireEvent } from "../wire/wire-event.ts";
import { fillDiskOnce } from "./full-disk.ts";

export interface CrashLoopOptions {
  readonly server: ServerCommand;
  readonly kills: number;
  readonly terms: number;
  readonly drops: number;
  /** At least so many messages are sent. */
  readonly messages: number;
  readonly seed: number;
  /** Leaves tRPC out. */
  readonly rawOnly?: boolean | undefined;
  /** The disk of the server's store, to be full so many times. */
  readonly fullDisk?: { readonly disk: SmallDisk; readonly times: number } | undefined;
  readonly onProgress?: ((line: string) => void) | undefined;
  /** The longest time from one fault to the next; 1500 unless told. */
  readonly calmMs?: number | undefined;
  /** How long everything may take to be acknowledged and answered after the last fault; 60 s unless told. */
  readonly settleMs?: number | undefined;
}

export interface CrashLoopResult {
  readonly verdict: Verdict;
  readonly facts: Readonly<Record<string, number>>;
}

type Fault = "kill" | "term" | "drop" | "full";

interface Loop {
  readonly options: CrashLoopOptions;
  readonly random: Random;
  readonly drop: () => void;
  readonly senders: readonly Sender[];
  readonly subscribers: readonly LogSubscriber[];
  readonly open: ReadonlySet<string>; // run ids without an answer, as the first subscriber sees them
  readonly counts: { termNotClean: number; exitMs: number[] };
  readonly starts: StartTally;
  readonly fullDisk: FullDiskCounts[];
}

const MAX_OPEN = 120; // messages that wait for an answer: more would only grow the queue
const LONGEST_CALM_MS = 1500; // from one fault to the next
const EARLY_KILL = 0.12; // share of starts that are killed before they are done
const SETTLE_MS = 60_000;

/** Sends, subscribes and breaks things at random instants; then compares what everyone saw with the log. */
export async function runCrashLoop(options: CrashLoopOptions): Promise<CrashLoopResult> {
  const startedAt = performance.now();
  await using proxy = await startLineProxy(options.server.port);
  const loop = createLoop(options, proxy);
  await start(loop);
  const hurry = new AbortController();
  const sending = loop.senders.map((sender) => sender.run(hurry.signal));
  const faults = await breakThings(loop);
  await sendRest(loop);
  for (const sender of loop.senders) sender.end();
  await settle(loop);
  hurry.abort();
  await Promise.all(sending);
  const log = await readLog(options.server.port).catch(() => []);
  for (const { close } of loop.subscribers) close();
  const verdict = judge({
    sent: loop.senders.flatMap(({ sent }) => sent),
    subscribers: loop.subscribers,
    log,
    answerTo,
    textsBroken: loop.subscribers.reduce((sum, { texts }) => sum + texts.broken, 0),
    fullDisk: sumFullDisk(loop.fullDisk),
    termNotClean: loop.counts.termNotClean,
    failedStarts: loop.starts.failed,
  });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { verdict, facts: { ...faults, ...countFacts(loop, log.length), seconds } };
}

function createLoop(options: CrashLoopOptions, proxy: { port: number; drop: () => void }): Loop {
  const random = createRandom(options.seed);
  const open = new Set<string>();
  const onEvent = (event: WireEvent): void => {
    const runId = text(event.run_id) ?? "";
    if (event.type === "InboundEvent") open.add(runId);
    if (event.type === "OutboundEvent") open.delete(runId);
  };
  const { port, drop } = proxy;
  const lines = [rawLine(port), rawLine(port, "&session=none")]; // live, and with receipts only
  if (!options.rawOnly) lines.push(trpcLine(port), trpcLine(port));
  const subscribers = [followRaw("raw 1", port, onEvent), followRaw("raw 2", port)];
  if (!options.rawOnly) subscribers.push(followTrpc("trpc 1", port), followTrpc("trpc 2", port));
  const senders = lines.map(
    (openLine, index) =>
      new Sender({
        name: `sender${index}`,
        openLine,
        random: createRandom(options.seed + index + 1),
        mayGo: () => open.size < MAX_OPEN,
      }),
  );
  const counts = { termNotClean: 0, exitMs: [] };
  return { options, random, drop, senders, subscribers, open, counts, starts: new StartTally(), fullDisk: [] };
}

function start({ options, starts }: Loop): Promise<void> {
  return starts.start(options.server, options.onProgress ?? (() => undefined));
}

async function breakThings(loop: Loop): Promise<Record<string, number>> {
  const { options, random } = loop;
  const { kills, terms, drops } = options;
  const fulls = options.fullDisk?.times ?? 0;
  const faults = random.shuffle<Fault>([
    ...Array<Fault>(kills).fill("kill"),
    ...Array<Fault>(terms).fill("term"),
    ...Array<Fault>(drops).fill("drop"),
    ...Array<Fault>(fulls).fill("full"),
  ]);
  let early = 0;
  for (const [index, fault] of faults.entries()) {
    await delay(random.int(0, options.calmMs ?? LONGEST_CALM_MS));
    early += await breakOnce(loop, fault);
    if ((index + 1) % 10 === 0) options.onProgress?.(progress(loop, index + 1, faults.length));
  }
  return { kills: kills + early, duringStart: early, terms, drops, fulls };
}

/** Returns how many more kills came while the server was starting. */
async function breakOnce(loop: Loop, fault: Fault): Promise<number> {
  const { options, drop, counts } = loop;
  const { server } = options;
  switch (fault) {
    case "drop":
      drop();
      return 0;
    case "full":
      await fillDisk(loop);
      return 0;
    case "term": {
      const startedAt = performance.now();
      if ((await server.terminate()) !== 0) counts.termNotClean += 1;
      counts.exitMs.push(performance.now() - startedAt);
      break;
    }
    case "kill":
      await server.kill();
  }
  return restart(loop);
}

async function fillDisk({ options, random, senders, fullDisk }: Loop): Promise<void> {
  const disk = options.fullDisk?.disk;
  if (!disk) return;
  const acked = (): number => count(senders, (sender) => sender.acked);
  const { server } = options;
  fullDisk.push(await fillDiskOnce({ disk, server, random, acked }));
  if (!server.isRunning) options.onProgress?.(`the server ended on a full disk: ${server.stderr.trim()}`);
}

async function restart(loop: Loop): Promise<number> {
  let early = 0;
  while (loop.random.next() < EARLY_KILL) {
    loop.options.server.launch();
    await delay(loop.random.int(0, 800));
    await loop.options.server.kill();
    early += 1;
  }
  await start(loop);
  return early;
}

/** Until enough is sent, or nothing goes on. */
async function sendRest({ options, senders }: Loop): Promise<void> {
  const patienceMs = options.settleMs ?? SETTLE_MS;
  let acked = -1;
  let deadline = 0;
  while (count(senders, ({ sent }) => sent.length) < options.messages) {
    const ackedNow = count(senders, (sender) => sender.acked);
    if (ackedNow !== acked) deadline = performance.now() + patienceMs;
    else if (performance.now() > deadline) return;
    acked = ackedNow;
    await delay(20);
  }
}

/** Until everything is acknowledged and answered, and every subscriber has seen the same end. */
async function settle({ options, senders, subscribers, open }: Loop): Promise<void> {
  const deadline = performance.now() + (options.settleMs ?? SETTLE_MS);
  const isSettled = (): boolean =>
    count(senders, ({ unacked }) => unacked) === 0 &&
    open.size === 0 &&
    new Set(subscribers.map(({ seen }) => seen.at(-1)?.cursor)).size === 1;
  let calmSince = performance.now();
  while (performance.now() < deadline) {
    if (!isSettled()) calmSince = performance.now();
    if (performance.now() - calmSince > 500) return;
    await delay(20);
  }
}

function count<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((sum, item) => sum + pick(item), 0);
}

function sumFullDisk(phases: readonly FullDiskCounts[]): FullDiskCounts {
  return {
    fullDiskDeaths: count(phases, (phase) => phase.fullDiskDeaths),
    fullDiskUnreadable: count(phases, (phase) => phase.fullDiskUnreadable),
    fullDiskLateAcks: count(phases, (phase) => phase.fullDiskLateAcks),
  };
}

function progress({ senders, open }: Loop, done: number, all: number): string {
  const acked = count(senders, (sender) => sender.acked);
  return `${done}/${all} faults, ${acked} acknowledged, ${open.size} waiting for an answer`;
}

function countFacts({ senders, subscribers, counts, starts }: Loop, events: number): Record<string, number> {
  return {
    acknowledged: count(senders, ({ acked }) => acked),
    refused: count(senders, ({ refused }) => refused),
    events,
    textsCompared: count(subscribers, ({ texts }) => texts.compared),
    starts: starts.startMs.length,
    startP95Ms: p95(starts.startMs),
    termExitP95Ms: p95(counts.exitMs),
  };
}

function p95(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0);
}
