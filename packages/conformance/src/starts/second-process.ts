import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../ledger/random.ts";
import type { Say } from "../ledger/run-report.ts";
import { isHealthy, prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { createWorkspace } from "../server/workspace.ts";

export interface PairOptions {
  readonly command: string;
  readonly config: object;
  readonly pairs: number;
  readonly random: Random;
}

/** Each has to be 0. */
export interface PairCounts {
  failedStarts: number;
  /** A second process on one store or one port that was not refused with exit code 1, or the end of the first. */
  notRefused: number;
  /** Refusals that are not one line naming the store or the port. */
  unclearRefusals: number;
  /** A killed process keeps its store from the next one. */
  staleLockKept: number;
}

const STDERR_LIMIT_MS = 1000;

/** Starts second processes on the store and on the port of a running one, and a next one after that was killed. */
export async function tryPairs({ command, config, pairs, random }: PairOptions, say: Say): Promise<PairCounts> {
  const counts = { failedStarts: 0, notRefused: 0, unclearRefusals: 0, staleLockKept: 0 };
  using workspace = createWorkspace({ config });
  using other = createWorkspace({ config });
  await using first = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  const samePort = command.replaceAll("{port}", String(first.port));
  await using onStore = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  await using onPort = await prepareServerCommand({ command: samePort, workspaceDir: other.dir });
  const pair = { counts, say, first, random };
  if (!(await launched(first))) return { ...counts, failedStarts: 1 };
  for (let round = 0; round < pairs; round += 1) {
    await tryRefused(pair, onStore, workspace.dir);
    await tryRefused(pair, onPort, String(first.port));
    await first.kill();
    if (round % 2 === 1) await tryTogether(pair, onStore, workspace.dir);
    if (await launched(first)) continue;
    counts.staleLockKept += 1;
    say(`after kill -9 the next process did not start: ${first.stderr.trim()}`);
    await first.kill();
    if (!(await launched(first))) return counts; // nor will it
  }
  return counts;
}

interface Pair {
  readonly counts: PairCounts;
  readonly say: Say;
  readonly first: ServerCommand;
  readonly random: Random;
}

async function launched(server: ServerCommand): Promise<boolean> {
  server.launch();
  return await server.ready();
}

/** `name` has to be in the refusal. */
async function tryRefused(pair: Pair, second: ServerCommand, name: string): Promise<void> {
  second.launch();
  await judgeRefusal(pair, second, name);
  if (await isHealthy(pair.first.port)) return;
  pair.counts.notRefused += 1;
  pair.say("the first process does not answer any more, once a second one was started");
}

async function judgeRefusal({ counts, say }: Pair, second: ServerCommand, name: string): Promise<void> {
  const isReady = await second.ready();
  const code = await second.terminate();
  if (isReady || code !== 1) {
    counts.notRefused += 1;
    say(`a second process ${isReady ? "was let in" : `ended with ${code}`}: ${second.stderr.trim()}`);
    return;
  }
  const deadline = performance.now() + STDERR_LIMIT_MS;
  while (!second.stderr.endsWith("\n") && performance.now() < deadline) await delay(10);
  const lines = second.stderr.trim().split("\n");
  if (lines.length === 1 && second.stderr.includes(name)) return;
  counts.unclearRefusals += 1;
  say(`not one line that names ${name}: ${second.stderr.trim()}`);
}

/** Both at once, where a killed process was: one of them has to live, and the other to be refused. */
async function tryTogether(pair: Pair, other: ServerCommand, workspaceDir: string): Promise<void> {
  const { first, counts, say, random } = pair;
  const [one, two] = random.shuffle([first, other]);
  one?.launch();
  await delay(random.int(0, 50));
  two?.launch();
  const [isFirst, isOther] = await Promise.all([first.ready(), other.ready()]);
  if (isFirst === isOther) {
    counts.notRefused += 1;
    say(`of two processes started at once ${isFirst ? "both live" : "none lives"}: ${first.stderr} ${other.stderr}`);
  }
  const loser = isFirst ? other : first;
  if (isFirst !== isOther) await judgeRefusal(pair, loser, workspaceDir);
  await first.kill();
  await other.kill();
}
