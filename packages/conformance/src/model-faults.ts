import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Asked, type FaultyModel, startFaultyModel } from "./faulty-model.ts";
import type { FaultyReply } from "./faulty-reply.ts";
import { FAULT_COUNTS, type FaultOutcome, judgeModelFault } from "./judge-model-fault.ts";
import { type FaultTimes, KEY, type ModelFaultCase, type Stage } from "./model-fault-case.ts";
import { modelFaultCases } from "./model-fault-cases.ts";
import { readGroupMemory } from "./process-memory.ts";
import { createRandom } from "./random.ts";
import { readLog } from "./read-log.ts";
import type { RunReport, Say } from "./run-report.ts";
import { RunWatcher } from "./run-watcher.ts";
import { isHealthy, prepareServerCommand, type ServerCommand } from "./server-command.ts";
import { createWorkspace } from "./workspace.ts";

export interface ModelFaultsOptions {
  /** How to start the server, with `{workspace}` and `{port}`. */
  readonly command: string;
  readonly seed: number;
  /** How often each fault strikes. */
  readonly times: number;
  /** Messages on their way at once; 60 unless told. */
  readonly parallel?: number | undefined;
  /** What a slow machine may take beside every bound; 4 s unless told. */
  readonly slackMs?: number | undefined;
  /** The longest Retry-After that is tried out; 55 s unless told. */
  readonly longWaitMs?: number | undefined;
  /** Only cases whose name begins so. */
  readonly only?: string | undefined;
}

interface Message {
  readonly fault: ModelFaultCase;
  readonly content: string;
}

interface Bench {
  readonly model: FaultyModel;
  readonly server: ServerCommand;
  readonly watcher: RunWatcher;
  readonly left: Map<string, PromiseWithResolvers<void>>; // by content: its sender has gone
  readonly outcomes: { readonly message: Message; readonly stoppedAt: number | undefined }[];
}

const FIRST_BYTE_MS = 1000;
const IDLE_MS = 1000;
const PATIENCE_MS = 20_000; // beside the bound, before a run counts as unanswered
const SHOWN_LIMIT_MS = 900; // below the idle bound: a server that shows nothing is told apart by its tries
const LEFT_MS = 300; // what a server gets to notice that a client has gone
const MEMORY_LIMIT_BYTES = 50 * 1024 * 1024;
const FINDINGS_SHOWN = 40;

/** Plays every fault of a provider (L01 to L16) to a server, many sessions at once, and compares what comes of each. */
export async function runModelFaults(options: ModelFaultsOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const times: FaultTimes = { firstByte: FIRST_BYTE_MS, idle: IDLE_MS, longWait: options.longWaitMs ?? 55_000 };
  const cases = modelFaultCases(times).filter(({ name }) => name.startsWith(options.only ?? ""));
  const left: Bench["left"] = new Map();
  let watcher: RunWatcher | undefined;
  const stage = createStage(() => watcher, left);
  const plays = new Map(cases.map(({ name, play }) => [name, play]));
  await using model = await startFaultyModel((reply, asked) => playFault(plays, stage, { reply, asked }));
  using workspace = createWorkspace({ config: configFor(model.baseUrl) });
  await writeAgents(workspace.dir);
  await using server = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  server.launch();
  if (!(await server.ready())) throw new Error(`The server does not start: ${server.stderr.trim()}`);
  using connected = await RunWatcher.connect(server.port, KEY);
  watcher = connected;
  const bench: Bench = { model, server, watcher: connected, left, outcomes: [] };
  await sendAll(bench, lightMessages(cases, options), { parallel: options.parallel ?? 60, say });
  const memory = watchMemory(server);
  await sendAll(bench, heavyMessages(cases, options), { parallel: 1, say });
  const grownBytes = memory.stop();
  const report = await judgeAll(bench, options.slackMs ?? 4000, say);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return {
    verdict: { ...report.verdict, bloated: Number((grownBytes ?? 0) > MEMORY_LIMIT_BYTES) },
    facts: { ...report.facts, grownMiB: Math.round((grownBytes ?? 0) / 1024 / 1024), seconds },
  };
}

function configFor(baseUrl: string): object {
  return {
    llm: {
      provider: "openai",
      model: "faulty",
      api_key: KEY,
      api_base: baseUrl,
      timeouts: { first_byte: FIRST_BYTE_MS / 1000, idle: IDLE_MS / 1000, total: 10 },
    },
    api: { limits: { messages_per_second: 100_000, queued_messages: 100_000 } },
  };
}

/** The agents that the cases name: each with the same model, but patience or an address of its own. */
async function writeAgents(dir: string): Promise<void> {
  const closed = await startFaultyModel(() => undefined);
  await closed[Symbol.asyncDispose]();
  const agents = {
    pickle: {},
    patient: { timeouts: { first_byte: 10, idle: 10, total: 120 } },
    refused: { api_base: closed.baseUrl },
    nameless: { api_base: "http://no-such-host.invalid/v1" },
  };
  for (const [name, llm] of Object.entries(agents)) {
    const fields = { name, description: "Answers", max_concurrency: 1000, llm };
    mkdirSync(join(dir, "agents", name), { recursive: true });
    writeFileSync(join(dir, "agents", name, "AGENT.md"), `---\n${JSON.stringify(fields)}\n---\nYou are ${name}.\n`);
  }
}

function createStage(watcher: () => RunWatcher | undefined, left: Bench["left"]): Stage {
  return {
    shown: async (content, text) => {
      await watcher()?.until(() => watcher()?.run(content)?.shown === text, SHOWN_LIMIT_MS);
    },
    senderLeft: async (content) => {
      await left.get(content)?.promise;
      await delay(LEFT_MS);
    },
  };
}

async function playFault(
  plays: ReadonlyMap<string, ModelFaultCase["play"]>,
  stage: Stage,
  { reply, asked }: { reply: FaultyReply; asked: Asked },
): Promise<void> {
  const [, name = ""] = /^fault:(\S+) #/.exec(asked.content) ?? [];
  await plays.get(name)?.(reply, asked, stage);
}

function lightMessages(cases: readonly ModelFaultCase[], { seed, times }: ModelFaultsOptions): Message[] {
  const light = cases.filter(({ isHeavy }) => !isHeavy).flatMap((fault) => repeat(fault, times));
  // those that wait longest begin first
  return createRandom(seed)
    .shuffle(light)
    .sort((a, b) => (b.fault.expected.atLeastMs ?? 0) - (a.fault.expected.atLeastMs ?? 0));
}

function heavyMessages(cases: readonly ModelFaultCase[], { seed, times }: ModelFaultsOptions): Message[] {
  return createRandom(seed).shuffle(cases.filter(({ isHeavy }) => isHeavy).flatMap((fault) => repeat(fault, times)));
}

function repeat(fault: ModelFaultCase, times: number): Message[] {
  return Array.from({ length: times }, (_, index) => ({ fault, content: `fault:${fault.name} #${index}` }));
}

async function sendAll(
  bench: Bench,
  messages: readonly Message[],
  { parallel, say }: { parallel: number; say: Say },
): Promise<void> {
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let message = messages[next++]; message !== undefined; message = messages[next++]) {
      bench.outcomes.push({ message, stoppedAt: await sendOne(bench, message) });
      done += 1;
      if (done % 200 === 0) say(`${done} of ${messages.length} messages`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/** Resolves when its answer has come and its requests have ended, or will not; with the time of a stop. */
async function sendOne(bench: Bench, { fault, content }: Message): Promise<number | undefined> {
  const { watcher, model } = bench;
  const limitMs = fault.expected.withinMs + PATIENCE_MS;
  const message = { source: content.replace(/\W+/g, "-"), content, agent_id: fault.agent };
  let stoppedAt: number | undefined;
  if (fault.sender === "leaves at text") await sendAndLeave(bench, message);
  else watcher.send(message);
  if (fault.sender === "stops at request" || fault.sender === "stops at text") {
    stoppedAt = await stopRun(bench, content, fault.sender);
  }
  await watcher.until(() => (watcher.run(content)?.answers.length ?? 0) > 0, limitMs);
  await Promise.race([Promise.all(model.exchanges(content).map(({ gone }) => gone)), delay(1500)]);
  return stoppedAt;
}

async function stopRun({ watcher, model, server }: Bench, content: string, when: string): Promise<number> {
  const isThere = (): boolean =>
    when === "stops at text" ? watcher.run(content)?.shown !== "" : model.exchanges(content).length > 0;
  while (watcher.run(content) === undefined || !isThere()) await delay(10);
  const stoppedAt = performance.now();
  await fetch(`http://127.0.0.1:${server.port}/trpc/abort`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ run_id: watcher.run(content)?.runId }),
  }).catch(() => undefined); // the answer tells
  return stoppedAt;
}

/** From a connection of its own, which is cut once text is shown. */
async function sendAndLeave({ server, watcher, left }: Bench, message: { content: string }): Promise<void> {
  const gone = Promise.withResolvers<void>();
  left.set(message.content, gone);
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?events=all`);
  socket.on("open", () => socket.send(JSON.stringify(message)));
  socket.on("error", () => gone.resolve());
  socket.on("close", () => gone.resolve());
  const isShown = (): boolean => (watcher.run(message.content)?.shown ?? "") !== "";
  await watcher.until(isShown, PATIENCE_MS);
  socket.terminate();
}

/** By how much the server's memory grows from now on; undefined where that cannot be read. */
function watchMemory({ pid = 0 }: ServerCommand): { stop(): number | undefined } {
  const before = readGroupMemory(pid);
  let most = before ?? 0;
  const timer = setInterval(() => {
    most = Math.max(most, readGroupMemory(pid) ?? 0);
  }, 50);
  return {
    stop: () => {
      clearInterval(timer);
      return before === undefined ? undefined : most - before;
    },
  };
}

async function judgeAll({ outcomes, ...bench }: Bench, slackMs: number, say: Say): Promise<RunReport> {
  const { watcher, server } = bench;
  const died = Number(!(await isHealthy(server.port)));
  const log = await readLog(server.port).catch(() => []);
  const answers = Map.groupBy(
    log.filter(({ type }) => type === "OutboundEvent"),
    ({ runId }) => runId,
  );
  const counts: Record<string, number> = Object.fromEntries(FAULT_COUNTS.map((name) => [name, 0]));
  let shown = 0;
  let slowestMs = 0;
  for (const outcome of outcomes) {
    const observed = toOutcome(bench, outcome, answers.get(watcher.run(outcome.message.content)?.runId));
    slowestMs = Math.max(slowestMs, (observed.ms ?? 0) - observed.expected.withinMs);
    for (const [count, seen] of judgeModelFault(observed, slackMs)) {
      counts[count] = (counts[count] ?? 0) + 1;
      if (shown++ < FINDINGS_SHOWN) say(`${count}: ${observed.asked}: ${seen}`);
    }
  }
  const leaks = watcher.leaks + Number(server.stderr.includes(KEY));
  const { broken: textsBroken, compared: textsCompared } = watcher.texts;
  return {
    verdict: { ...counts, leaks, textsBroken, died },
    facts: { messages: outcomes.length, textsCompared, slowestOverBoundMs: Math.round(slowestMs) },
  };
}

function toOutcome(
  { model, watcher }: Omit<Bench, "outcomes">,
  { message: { fault, content }, stoppedAt }: Bench["outcomes"][number],
  answers: readonly { readonly content?: string | undefined; readonly error?: string | null | undefined }[] = [],
): FaultOutcome {
  const run = watcher.run(content);
  const answeredAt = run?.answers[0]?.at;
  const since = stoppedAt ?? answeredAt ?? 0;
  return {
    asked: content,
    expected: fault.expected,
    answers: answers.map(({ content: text = "", error = null }) => ({ content: text, error })),
    ms: run && answeredAt && answeredAt - run.receivedAt,
    exchanges: model.exchanges(content).map(({ isOver, cancelledAt }) => ({
      isOver,
      cancelledMs: cancelledAt && cancelledAt - since,
    })),
    toolResults: run?.toolResults ?? [],
    deltas: run?.deltas ?? { count: 0, firstAt: 0, lastAt: 0 },
  };
}
