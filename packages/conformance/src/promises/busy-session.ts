import { setTimeout as delay } from "node:timers/promises";
import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, httpLink } from "@trpc/client";
import type { LoggedEvent } from "../ledger/ledger.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { type PacedModel, startPacedModel } from "../model/paced-model.ts";
import { answerTo } from "../model/scripted-model.ts";
import { startServerUnderTest } from "../server/server-under-test.ts";
import { type CopyLine, openRawCopies } from "../wire/copy-line.ts";
import { readLog } from "../wire/read-log.ts";
import { followRaw } from "../wire/subscriber.ts";
import { text } from "../wire/wire-event.ts";

export interface BusySessionOptions {
  readonly command: string;
  /** Sent to one session during its first turn, which takes `turnMs`. */
  readonly messages: number;
  readonly turnMs: number;
  /** Sessions beside one whose model hangs; each asks so often, one question after the other. */
  readonly others: number;
  readonly questions: number;
  /** How long an answer may take; 30 s unless told. */
  readonly patienceMs?: number | undefined;
}

interface Run {
  readonly options: BusySessionOptions;
  readonly line: CopyLine;
  readonly model: PacedModel;
  readonly abort: (runId: string) => Promise<readonly string[]>;
  /** Resolves at the answer to this run; with undefined when there is none in time. */
  readonly answer: (runId: string) => Promise<true | undefined>;
  readonly say: Say;
}

const PATIENCE_MS = 30_000;
/** A busy machine is slow with and without a hanging session: only far more than both is a blocked one. */
const SLOW_RATIO = 5;
const SLOW_MS = 1000;
const STOP_MS = 5000;

/** Messages during a long turn wait in order; a session whose model hangs holds up nobody else, and can be stopped. */
export async function runBusySession(options: BusySessionOptions, say: Say): Promise<RunReport> {
  await using model = await startPacedModel();
  await using server = await startServerUnderTest({ command: options.command, modelUrl: model.baseUrl });
  const { answer, close } = watchAnswers(server.port, options.patienceMs ?? PATIENCE_MS);
  const rpc = createTRPCClient<AppRouter>({ links: [httpLink({ url: `http://127.0.0.1:${server.port}/trpc` })] });
  const abort = async (runId: string): Promise<readonly string[]> =>
    (await rpc.abort.mutate({ run_id: runId }, { signal: AbortSignal.timeout(STOP_MS) })).run_ids;
  const run: Run = { options, line: await openRawCopies(server.port), model, abort, answer, say };
  await sendDuringTurn(run);
  const quiet = await askInAll(run, "quiet");
  const { beside, ...hung } = await askBesideHung(run);
  close();
  run.line.close();
  const log = await readLog(server.port);
  const isSlow = beside.p99 > Math.max(quiet.p99 * SLOW_RATIO, quiet.p99 + SLOW_MS);
  return {
    verdict: { ...judgeQueue(log, options.messages), blocked: isSlow ? 1 : 0, ...hung },
    facts: {
      messages: options.messages,
      quietP99Ms: quiet.p99,
      besideHungP99Ms: beside.p99,
      quietP50Ms: quiet.p50,
      besideHungP50Ms: beside.p50,
    },
  };
}

function watchAnswers(port: number, patienceMs: number): Pick<Run, "answer"> & { close(): void } {
  const answered = new Map<string, PromiseWithResolvers<true>>();
  const entry = (runId: string): PromiseWithResolvers<true> => {
    const known = answered.get(runId) ?? Promise.withResolvers<true>();
    answered.set(runId, known);
    return known;
  };
  const { close } = followRaw("answers", port, (event) => {
    if (event.type === "OutboundEvent") entry(text(event.run_id) ?? "").resolve(true);
  });
  return {
    answer: (runId) => Promise.race([entry(runId).promise, delay(patienceMs, undefined, { ref: false })]),
    close,
  };
}

const BUSY = "busy";
const content = (n: number, turnMs: number): string => (n === 0 ? `wait ${turnMs}: message 0` : `message ${n}`);

/** The first message starts a long turn, the others come while it goes on, evenly. */
async function sendDuringTurn({ options, line, answer, say }: Run): Promise<void> {
  const { messages, turnMs } = options;
  const runIds: string[] = [];
  for (let n = 0; n <= messages; n++) {
    const { runId } = await line.send({ source: BUSY, messageId: `b${n}`, content: content(n, turnMs) });
    runIds.push(runId);
    await delay((0.8 * turnMs) / messages);
  }
  const answers = await Promise.all(runIds.map((runId) => answer(runId)));
  say(`${answers.filter(Boolean).length}/${runIds.length} messages of one session answered`);
}

/** Everything from the log alone: what was sent, in its order, and what came of it. */
function judgeQueue(log: readonly LoggedEvent[], messages: number) {
  const inbound = log.filter(({ source }) => source === `platform-ws:${BUSY}`);
  const runIds = new Set(inbound.map(({ runId }) => runId));
  const answers = log.filter(({ type, runId }) => type === "OutboundEvent" && runIds.has(runId));
  const asked = new Map(inbound.map(({ runId, content = "" }) => [runId, content]));
  const numberOf = ({ runId }: LoggedEvent): number => Number(/\d+$/.exec(asked.get(runId) ?? "")?.[0] ?? -1);
  const isWrong = ({ runId, error, content: said }: LoggedEvent): boolean =>
    error !== null || said !== answerTo(asked.get(runId) ?? "");
  return {
    dropped: messages + 1 - new Set(answers.map(numberOf)).size,
    answeredTwice: answers.length - new Set(answers.map(numberOf)).size,
    wronglyAnswered: answers.filter(isWrong).length,
    outOfOrder: countDescents(inbound.map(numberOf)) + countDescents(answers.map(numberOf)),
  };
}

function countDescents(numbers: readonly number[]): number {
  return numbers.filter((number, index) => number < (numbers[index - 1] ?? number)).length;
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

/** Every other session asks its questions; the time from each question to its answer, in milliseconds. */
async function askInAll({ options, line, answer, say }: Run, round: string): Promise<Latencies> {
  const latencies: number[] = [];
  const askInOne = async (session: number): Promise<void> => {
    for (let n = 0; n < options.questions; n++) {
      const startedAt = performance.now();
      const messageId = `${round}-${session}-${n}`;
      const source = `${round}-${session}`;
      const { runId } = await line.send({ source, messageId, content: `question ${messageId}` });
      await answer(runId);
      latencies.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: options.others }, (_, session) => askInOne(session)));
  const sorted = latencies.toSorted((a, b) => a - b);
  const quantile = (share: number): number => Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? 0);
  say(`${options.others} sessions, ${round}: p99 ${quantile(0.99)} ms`);
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

/** One session hangs, with a message behind it; once the others have asked, it is stopped and goes on with that. */
async function askBesideHung(run: Run) {
  const { line, model, abort, answer } = run;
  const send = (n: number, said: string) => line.send({ source: "hung", messageId: `h${n}`, content: said });
  const hung = await send(0, "hang: for ever");
  const next = await send(1, "message 1");
  await waitUntil(() => model.open > 0, STOP_MS);
  const beside = await askInAll(run, "beside");
  const stopped = await abort(hung.runId).catch((): readonly string[] => []);
  await waitUntil(() => model.open === 0, STOP_MS);
  return {
    beside,
    notStopped: stopped.includes(hung.runId) && (await answer(hung.runId)) ? 0 : 1,
    stillAsking: model.open, // the request to the model
    stuckBehind: (await answer(next.runId)) ? 0 : 1,
  };
}

async function waitUntil(isTrue: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!isTrue() && performance.now() < deadline) await delay(10);
}
