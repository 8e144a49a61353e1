import { setTimeout as delay } from "node:timers/promises";
import { judge, type LoggedEvent, type SentMessage } from "../ledger/ledger.ts";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { answerTo, startScriptedModel } from "../model/scripted-model.ts";
import { configFor } from "../server/config-for.ts";
import { prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { StartTally } from "../server/start-tally.ts";
import { createWorkspace } from "../server/workspace.ts";
import { readLog } from "../wire/read-log.ts";
import { sendAll } from "../wire/send-all.ts";
import { tryPairs } from "./second-process.ts";

export interface StartsOptions {
  /** How to start the server, with {workspace} and {port}. */
  readonly command: string;
  /** Starts that are killed: in turn on a store with open runs, and on a workspace without a store. */
  readonly kills: number;
  /** How often a second process is started beside the first. */
  readonly pairs: number;
  readonly seed: number;
  /** How long everything may take to be answered; 30 s unless told. */
  readonly answerMs?: number | undefined;
}

interface Trial {
  readonly options: StartsOptions;
  readonly config: object;
  readonly random: Random;
  readonly say: Say;
  readonly counts: { lostAcked: number; neverAnswered: number };
  readonly starts: StartTally;
}

const MESSAGES_AT_ONCE = 3;
const ANSWER_LIMIT_MS = 30_000;

/** Always starts again: after a kill at any instant of a start, and where another process is, or was. */
export async function runStarts(options: StartsOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const { command, seed } = options;
  await using model = await startScriptedModel(createRandom(seed + 100));
  const config = configFor(model.baseUrl);
  const counts = { lostAcked: 0, neverAnswered: 0 };
  const starts = new StartTally();
  const trial: Trial = { options, config, random: createRandom(seed), say, counts, starts };
  const kills = Math.ceil(options.kills / 2);
  await killOnOpenRuns(trial, kills);
  say(`${kills} starts killed on a store with open runs`);
  await killOnEmpty(trial, options.kills - kills);
  say(`${options.kills - kills} starts killed on an empty workspace`);
  const pairs = await tryPairs({ command, config, pairs: options.pairs, random: trial.random }, say);
  const startMs = Math.round(starts.startMs.toSorted((a, b) => a - b)[Math.floor(starts.startMs.length / 2)] ?? 0);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const verdict = { ...counts, ...pairs, failedStarts: starts.failed + pairs.failedStarts };
  return { verdict, facts: { kills: options.kills, pairs: options.pairs, startMs, seconds } };
}

/** Each round leaves messages without an answer, then kills a start that has to go on with them. */
async function killOnOpenRuns(trial: Trial, kills: number): Promise<void> {
  using workspace = createWorkspace({ config: trial.config });
  await using server = await prepareServerCommand({ command: trial.options.command, workspaceDir: workspace.dir });
  const sent: SentMessage[] = [];
  for (let round = 0; round < kills; round += 1) {
    await trial.starts.start(server, trial.say);
    sent.push(...(await sendSome(server.port, `open${round}`)));
    await server.kill();
    await killStart(trial, server, round / kills);
  }
  await trial.starts.start(server, trial.say);
  await judgeLog(trial, server.port, sent);
}

async function killOnEmpty(trial: Trial, kills: number): Promise<void> {
  for (let round = 0; round < kills; round += 1) {
    using workspace = createWorkspace({ config: trial.config });
    await using server = await prepareServerCommand({ command: trial.options.command, workspaceDir: workspace.dir });
    await killStart(trial, server, round / kills);
    await trial.starts.start(server, trial.say);
    await judgeLog(trial, server.port, await sendSome(server.port, `empty${round}`));
  }
}

/** `share` of the time that a start takes. */
async function killStart({ starts: { startMs }, random }: Trial, server: ServerCommand, share: number): Promise<void> {
  const longest = startMs.toSorted((a, b) => a - b)[Math.floor(startMs.length * 0.8)] ?? 0;
  server.launch();
  await delay(longest * (share + random.next() / 20));
  await server.kill();
}

async function sendSome(port: number, name: string): Promise<SentMessage[]> {
  const messages = Array.from({ length: MESSAGES_AT_ONCE }, (_, index) => {
    const messageId = `${name}-${index}`;
    return { messageId, sender: name, source: `source-${index}`, content: `message ${messageId}` };
  });
  const cursors = await sendAll(
    port,
    messages.map((message) => ({ ...message, ackCursors: new Set<string>() })),
  );
  return messages.map((message) => ({ ...message, ackCursors: new Set([cursors.get(message.messageId) ?? ""]) }));
}

/** Waits until everything is answered, and compares the log with what was acknowledged. */
async function judgeLog({ options, counts, say }: Trial, port: number, sent: readonly SentMessage[]): Promise<void> {
  const deadline = performance.now() + (options.answerMs ?? ANSWER_LIMIT_MS);
  let found = compare(sent, await readLog(port));
  while (found.neverAnswered > 0 && performance.now() < deadline) {
    await delay(50);
    found = compare(sent, await readLog(port));
  }
  for (const name of ["lostAcked", "neverAnswered"] as const) {
    counts[name] += found[name];
    if (found[name] > 0) say(`${name} ${found[name]}`);
  }
}

function compare(sent: readonly SentMessage[], log: readonly LoggedEvent[]) {
  return judge({ sent, log, subscribers: [], answerTo, failedStarts: 0, termNotClean: 0, textsBroken: 0 });
}
