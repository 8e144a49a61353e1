import { setTimeout as delay } from "node:timers/promises";
import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { judge, type Verdict } from "../ledger/ledger.ts";
import { createRandom } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { startPacedModel } from "../model/paced-model.ts";
import { answerTo } from "../model/scripted-model.ts";
import { startServerUnderTest } from "../server/server-under-test.ts";
import { openRawCopies } from "../wire/copy-line.ts";
import { readLog } from "../wire/read-log.ts";
import { followRaw, followTrpc, type LogSubscriber } from "../wire/subscriber.ts";

export interface ReconnectsOptions {
  readonly command: string;
  /** At least so many durable events are made. */
  readonly events: number;
  readonly perSecond: number;
  /** Every second one raw, the others stock tRPC. */
  readonly subscribers: number;
  /** How often each loses its connection at a random instant of the load. */
  readonly reconnects: number;
  readonly seed: number;
  /** Leaves tRPC out, and with it events beside messages and their answers. */
  readonly rawOnly?: boolean | undefined;
  /** How long everyone may take to see the end of the log; 60 s unless told. */
  readonly settleMs?: number | undefined;
}

const SETTLE_MS = 60_000;
const TICK_MS = 20;
const SOURCES_AT_ONCE = 32; // each is answered one message after the other
const PER_SOURCE = 20; // a session is read whole for each answer
const EVENTS_PER_MESSAGE = 4.05; // message, start, answer, end; and a session for each source
const OPEN_MESSAGES = 50; // more would only grow the queue
const OPEN_RENAMES = 200;

interface Load {
  readonly subscribers: readonly LogSubscriber[];
  /** From the first subscriber. */
  readonly progress: { events: number; open: number };
}

/** Many readers that reconnect while events come, each behind the last event it saw: nobody misses or repeats one. */
export async function runReconnects(options: ReconnectsOptions, say: Say): Promise<RunReport> {
  await using model = await startPacedModel();
  await using server = await startServerUnderTest({ command: options.command, modelUrl: model.baseUrl });
  const load = followAll(options, server.port);
  const startedAt = performance.now();
  const stop = new AbortController();
  const reconnecting = reconnectAll(options, load, stop.signal);
  const sent = await sendAll(options, { port: server.port, load, say });
  const perSecond = Math.round(load.progress.events / ((performance.now() - startedAt) / 1000));
  stop.abort();
  const reconnects = await reconnecting;
  await settle(options, load);
  const log = await readLog(server.port);
  for (const { close } of load.subscribers) close();
  const verdict = pickCounts(
    judge({ sent: [], subscribers: load.subscribers, log, answerTo, failedStarts: 0, termNotClean: 0, textsBroken: 0 }),
  );
  return { verdict, facts: { messages: sent, events: log.length, perSecond, reconnects } };
}

function pickCounts({ subGaps, subDoubles, subDisorder, orderBroken, ghosts, idReused }: Verdict) {
  return { subGaps, subDoubles, subDisorder, orderBroken, ghosts, idReused };
}

function followAll({ subscribers, rawOnly }: ReconnectsOptions, port: number): Load {
  const progress = { events: 0, open: 0 };
  const first = followRaw("reader 0", port, ({ type }) => {
    progress.events += 1;
    if (type === "OutboundEvent") progress.open -= 1;
  });
  const others = Array.from({ length: subscribers - 1 }, (_, index) => {
    const follow = index % 2 === 0 && !rawOnly ? followTrpc : followRaw;
    return follow(`reader ${index + 1}`, port);
  });
  return { subscribers: [first, ...others], progress };
}

/**
 * Each reader loses its connection so often, spread at random over the load; what is left at its end comes then.
 * Resolves with how often it was in all.
 */
async function reconnectAll(options: ReconnectsOptions, load: Load, signal: AbortSignal): Promise<number> {
  const random = createRandom(options.seed);
  const cuts = load.subscribers.flatMap((subscriber) =>
    Array.from({ length: options.reconnects }, () => ({ subscriber, at: random.next() * options.events })),
  );
  cuts.sort((a, b) => a.at - b.at);
  for (const { subscriber, at } of cuts) {
    while (load.progress.events < at && !signal.aborted) await delay(TICK_MS / 4);
    subscriber.reconnect();
  }
  return cuts.length;
}

interface SendContext {
  readonly port: number;
  readonly load: Load;
  readonly say: Say;
}

/** Until there are enough events, or none comes any more. Resolves with the number of messages. */
async function sendAll(options: ReconnectsOptions, { port, load, say }: SendContext): Promise<number> {
  const { progress, subscribers } = load;
  const patienceMs = options.settleMs ?? SETTLE_MS;
  const line = await openRawCopies(port);
  const renames = options.rawOnly ? undefined : await startRenames(port);
  let sent = 0;
  let made = 0; // events
  let credit = 0; // of them that may be made now
  let deadline = performance.now() + patienceMs;
  for (let seen = 0; progress.events < options.events && performance.now() < deadline; ) {
    const room = slowest(subscribers) + options.perSecond - made; // readers a second behind are waited for
    credit = Math.min(credit + options.perSecond * (TICK_MS / 1000), options.perSecond * (TICK_MS / 200), room);
    for (; credit >= EVENTS_PER_MESSAGE && progress.open < OPEN_MESSAGES; sent++) {
      const group = Math.floor(sent / (SOURCES_AT_ONCE * PER_SOURCE));
      const source = `load-${group}-${sent % SOURCES_AT_ONCE}`;
      line.send({ source, messageId: `m${sent}`, content: `message ${sent}` }).catch(() => undefined); // shows in the log
      progress.open += 1;
      credit -= EVENTS_PER_MESSAGE;
      made += EVENTS_PER_MESSAGE;
    }
    for (; credit >= 1 && renames?.send(); made++) credit -= 1;
    if (progress.events > seen) deadline = performance.now() + patienceMs;
    if (Math.floor(progress.events / 1000) > Math.floor(seen / 1000)) say(`${progress.events} events`);
    seen = progress.events;
    await delay(TICK_MS);
  }
  line.close();
  renames?.close();
  return sent;
}

/** How many events every reader has seen. */
function slowest(subscribers: readonly LogSubscriber[]): number {
  return Math.min(...subscribers.map(({ seen }) => seen.length));
}

/** Events that cost no answer: what the model cannot keep up with is made up for. */
async function startRenames(port: number): Promise<{ send(): boolean; close(): void }> {
  const client = createWSClient({ url: `ws://127.0.0.1:${port}/trpc` });
  const { sessions } = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
  const { session_id } = await sessions.create.mutate({ source: "renamed" });
  let open = 0;
  let count = 0;
  return {
    send: () => {
      if (open >= OPEN_RENAMES) return false;
      open += 1;
      count += 1;
      const settle = (): void => {
        open -= 1;
      };
      sessions.rename.mutate({ session_id, title: `name ${count}` }).then(settle, settle);
      return true;
    },
    close: () => void client.close(),
  };
}

/** Until every answer is there and every reader is at the same event. */
async function settle({ settleMs }: ReconnectsOptions, { subscribers, progress }: Load): Promise<void> {
  const deadline = performance.now() + (settleMs ?? SETTLE_MS);
  const ends = (): Set<string | undefined> => new Set(subscribers.map(({ seen }) => seen.at(-1)?.cursor));
  while (performance.now() < deadline && (progress.open > 0 || ends().size > 1)) await delay(TICK_MS);
  await delay(5 * TICK_MS); // the end of the last run comes behind its answer
  while (performance.now() < deadline && ends().size > 1) await delay(TICK_MS);
}
