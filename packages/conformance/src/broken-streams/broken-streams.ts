import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { type Drop, PIECES, type StrikingModel, startStrikingModel } from "../model/striking-model.ts";
import { configFor } from "../server/config-for.ts";
import { prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { StartTally } from "../server/start-tally.ts";
import { createWorkspace } from "../server/workspace.ts";
import { readLog } from "../wire/read-log.ts";
import { sendContents } from "../wire/send-contents.ts";
import { followRaw, followTrpc } from "../wire/subscriber.ts";
import { judgeBrokenStreams } from "./judge-broken-streams.ts";
import { StreamWitness } from "./stream-witness.ts";

export interface BrokenStreamsOptions {
  /** How to start the server, with `{workspace}` and `{port}`. */
  readonly command: string;
  readonly seed: number;
  /** How often the server is killed in the middle of answers. */
  readonly kills: number;
  /** How often the provider breaks off. */
  readonly drops: number;
  /** How long the last answers may take; 60 s unless told. */
  readonly settleMs?: number | undefined;
  /** How long an answer may take to get as far as its kill, which then comes anyway; 5 s unless told. */
  readonly reachMs?: number | undefined;
  /** Leaves the tRPC reader out. */
  readonly rawOnly?: boolean | undefined;
}

interface Scene {
  readonly options: BrokenStreamsOptions;
  readonly random: Random;
  readonly model: StrikingModel;
  readonly server: ServerCommand;
  readonly witnesses: readonly StreamWitness[];
  readonly sent: string[]; // contents
  readonly starts: StartTally;
}

const ANSWERS_PER_KILL = 3; // each is at another piece when the server dies
const DROPS_AT_ONCE = 10;
const REACH_LIMIT_MS = 5000;
const SHOWN_LIMIT_MS = 10_000; // for the readers to be back
const ANSWER_LIMIT_MS = 10_000;

/**
 * Kills the server, and lets the provider break off, at a random piece of a streaming answer. Readers that come back by
 * cursor must be told where the text begins afresh: what they then have is the answer, and of one try only.
 */
export async function runBrokenStreams(options: BrokenStreamsOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const random = createRandom(options.seed);
  const witnesses = [new StreamWitness(), ...(options.rawOnly ? [] : [new StreamWitness()])];
  const drops = planDrops(options.drops, random);
  await using model = await startStrikingModel({
    dropAfter: (content) => drops.get(content),
    shown: async (content, start) => {
      const deadline = performance.now() + SHOWN_LIMIT_MS;
      const isShown = (): boolean => witnesses.every((witness) => witness.shown(content).startsWith(start));
      while (!isShown() && performance.now() < deadline) await delay(5);
    },
  });
  using workspace = createWorkspace({ config: configFor(model.baseUrl) });
  await using server = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  const scene: Scene = { options, random, model, server, witnesses, sent: [], starts: new StartTally() };
  await scene.starts.start(server, say);
  const [first, second] = witnesses;
  const subscribers = [followRaw("raw", server.port, (event) => first?.take(event))];
  if (second) subscribers.push(followTrpc("trpc", server.port, (event) => second.take(event)));
  await killMidStream(scene, say);
  await dropMidStream(scene, [...drops.keys()]);
  await settle(scene);
  const report = await judge(scene, drops);
  for (const { close } of subscribers) close();
  return { ...report, facts: { ...report.facts, seconds: Math.round((performance.now() - startedAt) / 1000) } };
}

function planDrops(count: number, random: Random): Map<string, { pieces: number; how: Drop }> {
  const hows = ["reset", "end", "not json", "error object"] as const;
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `drop #${index}`,
      { pieces: random.int(1, PIECES - 1), how: random.pick<Drop>(hows) },
    ]),
  );
}

/** The next answers begin while those before are still on their way: some are cut more than once. */
async function killMidStream(scene: Scene, say: Say): Promise<void> {
  const { options, random, model, server } = scene;
  for (let kill = 0; kill < options.kills; kill++) {
    const contents = Array.from({ length: ANSWERS_PER_KILL }, (_, index) => `kill #${kill}.${index}`);
    await send(scene, contents);
    const reached = model.reaches(random.pick(toNonEmpty(contents)), random.int(1, PIECES - 1));
    await Promise.race([reached, delay(options.reachMs ?? REACH_LIMIT_MS)]);
    await server.kill();
    await scene.starts.start(server, say);
    if ((kill + 1) % 10 === 0) say(`${kill + 1} of ${options.kills} kills`);
  }
}

function toNonEmpty<T>([first, ...rest]: readonly T[]): [T, ...T[]] {
  if (first === undefined) throw new RangeError("There has to be one at least");
  return [first, ...rest];
}

async function dropMidStream(scene: Scene, contents: readonly string[]): Promise<void> {
  const queue = contents.values();
  const work = async (): Promise<void> => {
    for (const content of queue) {
      await send(scene, [content]);
      const deadline = performance.now() + ANSWER_LIMIT_MS;
      const isAnswered = (): boolean => scene.witnesses.every((witness) => witness.isAnswered(content));
      while (!isAnswered() && performance.now() < deadline) await delay(10);
    }
  };
  await Promise.all(Array.from({ length: DROPS_AT_ONCE }, work));
}

async function send({ server, sent }: Scene, contents: readonly string[]): Promise<void> {
  sent.push(...contents);
  await sendContents(server.port, contents);
}

async function settle({ options, witnesses, sent }: Scene): Promise<void> {
  const deadline = performance.now() + (options.settleMs ?? 60_000);
  const isDone = (): boolean => witnesses.every((witness) => sent.every((content) => witness.isAnswered(content)));
  while (!isDone() && performance.now() < deadline) await delay(20);
}

async function judge(
  { server, model, witnesses, sent, starts, options }: Scene,
  drops: ReadonlyMap<string, unknown>,
): Promise<RunReport> {
  const log = await readLog(server.port).catch(() => []);
  const runIds = new Map(log.flatMap(({ messageId, runId }) => (messageId === undefined ? [] : [[messageId, runId]])));
  const outbound = Map.groupBy(
    log.filter(({ type }) => type === "OutboundEvent"),
    ({ runId }) => runId,
  );
  const streams = sent.map((content) => ({
    answers: (outbound.get(runIds.get(content)) ?? []).map(({ content: said = "", error = null }) => ({
      content: said,
      error,
    })),
    tries: model.tries(content),
    expectedTries: drops.has(content) ? 2 : undefined,
  }));
  const readers = witnesses.map(({ texts }) => texts);
  return {
    verdict: { ...judgeBrokenStreams(streams, readers), failedStarts: starts.failed },
    facts: {
      kills: options.kills,
      drops: options.drops,
      answers: sent.length,
      cutAnswers: streams.filter(({ tries }) => tries.length > 1).length,
      textsCompared: readers.reduce((sum, { compared }) => sum + compared, 0),
      shownAfresh: witnesses.reduce((sum, { resets }) => sum + resets, 0),
    },
  };
}
