import { setTimeout as delay } from "node:timers/promises";
import { createRandom } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { type Play, startFaultyModel } from "../model/faulty-model.ts";
import { configFor } from "../server/config-for.ts";
import { watchGroupMemory } from "../server/process-memory.ts";
import { prepareServerCommand } from "../server/server-command.ts";
import { createWorkspace } from "../server/workspace.ts";
import { type FaultBench, type FaultMessage, sendMessage } from "./fault-sender.ts";
import { FIRST_BYTE_MS, IDLE_MS, LLM, writeAgents } from "./fault-workspace.ts";
import { judgeMemory, type MemorySpan } from "./judge-memory.ts";
import { judgeModelFaults, type SentFault } from "./judge-model-faults.ts";
import { KEY, type ModelFaultCase, type Stage } from "./model-fault-case.ts";
import { modelFaultCases } from "./model-fault-cases.ts";
import { RunWatcher } from "./run-watcher.ts";

export interface ModelFaultsOptions {
  /** How to start the server, with `{workspace}` and `{port}`. */
  readonly command: string;
  readonly seed: number;
  /** How often each fault strikes; those that need memory three times at least. */
  readonly times: number;
  /** Messages on their way at once; 60 unless told. */
  readonly parallel?: number | undefined;
  /** What a slow machine may take beside every bound; 4 s unless told. */
  readonly slackMs?: number | undefined;
  /** The longest Retry-After that has to be honoured; 55 s unless told. */
  readonly longWaitMs?: number | undefined;
  /** Only faults whose name begins so. */
  readonly only?: string | undefined;
}

interface Sending {
  readonly messages: readonly FaultMessage[];
  readonly parallel: number;
  readonly say: Say;
}

const SHOWN_LIMIT_MS = 900; // below the idle bound: a server that shows nothing is told apart by its tries
const FEWEST_HEAVY = 3; // memory is judged by the middle one
const LEFT_MS = 300; // what a server gets to notice that a client has gone

/** Plays every fault of a provider (L01 to L16) to a server, many sessions at once, and compares what comes of each. */
export async function runModelFaults(options: ModelFaultsOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const { seed, times, only = "", longWaitMs: longWait = 55_000 } = options;
  const cases = modelFaultCases({ firstByte: FIRST_BYTE_MS, idle: IDLE_MS, longWait });
  const messages = createRandom(seed).shuffle(
    cases
      .filter(({ name }) => name.startsWith(only))
      .flatMap((fault) => repeat(fault, fault.isHeavy ? Math.max(times, FEWEST_HEAVY) : times)),
  );
  const { promise: benchReady, resolve: setBench } = Promise.withResolvers<FaultBench>();
  await using model = await startFaultyModel(playCases(cases, benchReady));
  using workspace = createWorkspace({ config: configFor(model.baseUrl, { llm: LLM }) });
  await writeAgents(workspace.dir);
  await using server = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  await server.start();
  using watcher = await RunWatcher.connect(server.port, KEY);
  const bench: FaultBench = { model, server, watcher, left: new Map() };
  setBench(bench);
  const light = longestFirst(messages.filter(({ fault }) => !fault.isHeavy));
  const sent = await sendLight(bench, { messages: light, parallel: options.parallel ?? 60, say });
  const heavy = await sendHeavy(
    bench,
    messages.filter(({ fault }) => fault.isHeavy),
  );
  const report = await judgeModelFaults(bench, [...sent, ...heavy.sent], { slackMs: options.slackMs ?? 4000, say });
  const { bloated, ...memory } = judgeMemory(heavy.memory);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { verdict: { ...report.verdict, bloated }, facts: { ...report.facts, ...memory, seconds } };
}

/** A message names the fault that the model has to play for it. */
function playCases(cases: readonly ModelFaultCase[], bench: Promise<FaultBench>): Play {
  const plays = new Map(cases.map(({ name, play }) => [name, play]));
  const stage: Stage = {
    shown: async (content, text) => {
      const { watcher } = await bench;
      await watcher.until(() => watcher.run(content)?.shown === text, SHOWN_LIMIT_MS);
    },
    senderLeft: async (content) => {
      await (await bench).left.get(content)?.promise;
      await delay(LEFT_MS);
    },
  };
  return (reply, asked) => plays.get(/^fault:(\S+) #/.exec(asked.content)?.[1] ?? "")?.(reply, asked, stage);
}

function repeat(fault: ModelFaultCase, times: number): FaultMessage[] {
  return Array.from({ length: times }, (_, index) => ({ fault, content: `fault:${fault.name} #${index}` }));
}

function longestFirst(messages: readonly FaultMessage[]): FaultMessage[] {
  return messages.toSorted((a, b) => (b.fault.expected.atLeastMs ?? 0) - (a.fault.expected.atLeastMs ?? 0));
}

async function sendLight(bench: FaultBench, { messages, parallel, say }: Sending): Promise<SentFault[]> {
  const sent: SentFault[] = [];
  const queue = messages.values();
  const work = async (): Promise<void> => {
    for (const message of queue) {
      sent.push({ message, stoppedAt: await sendMessage(bench, message) });
      if (sent.length % 200 === 0) say(`${sent.length} of ${messages.length} messages`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return sent;
}

/** One after the other, so that the memory that each needs is seen. */
async function sendHeavy(
  bench: FaultBench,
  messages: readonly FaultMessage[],
): Promise<{ sent: SentFault[]; memory: MemorySpan[] }> {
  const sent: SentFault[] = [];
  const memory: MemorySpan[] = [];
  for (const message of messages) {
    const watch = watchGroupMemory(bench.server.pid ?? 0);
    sent.push({ message, stoppedAt: await sendMessage(bench, message) });
    const span = watch.stop();
    if (span) memory.push({ name: message.fault.name, ...span });
  }
  return { sent, memory };
}
