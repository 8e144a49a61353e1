import type { RunReport, Say } from "../ledger/run-report.ts";
import { isHealthy } from "../server/server-command.ts";
import { readLog } from "../wire/read-log.ts";
import type { FaultBench, FaultMessage } from "./fault-sender.ts";
import { FAULT_COUNTS, type FaultOutcome, judgeModelFault } from "./judge-model-fault.ts";
import { KEY } from "./model-fault-case.ts";

export interface SentFault {
  readonly message: FaultMessage;
  /** When its run was stopped by its sender. */
  readonly stoppedAt: number | undefined;
}

interface Answer {
  readonly content?: string | undefined;
  readonly error?: string | null | undefined;
}

const FINDINGS_SHOWN = 40;

/** Compares what the table says of each message with what the log, the watcher and the model saw of it. */
export async function judgeModelFaults(
  bench: FaultBench,
  sent: readonly SentFault[],
  { slackMs, say }: { slackMs: number; say: Say },
): Promise<RunReport> {
  const { watcher, server } = bench;
  const died = Number(!(await isHealthy(server.port)));
  const log = await readLog(server.port).catch(() => []);
  const answers = Map.groupBy(
    log.filter(({ type }) => type === "OutboundEvent"),
    ({ runId }) => runId,
  );
  const outcomes = sent.map((one) => toOutcome(bench, one, answers.get(watcher.run(one.message.content)?.runId)));
  const findings = outcomes.flatMap((outcome) =>
    judgeModelFault(outcome, slackMs).map(([count, seen]) => ({ count, line: `${count}: ${outcome.asked}: ${seen}` })),
  );
  for (const { line } of findings.slice(0, FINDINGS_SHOWN)) say(line);
  const counts = FAULT_COUNTS.map((name) => [name, findings.filter(({ count }) => count === name).length]);
  const leaks = watcher.leaks + Number(server.stderr.includes(KEY));
  const { broken: textsBroken, compared: textsCompared } = watcher.texts;
  const overMs = outcomes.map(({ ms = 0, expected }) => ms - expected.withinMs);
  return {
    verdict: { ...Object.fromEntries(counts), leaks, textsBroken, died },
    facts: { messages: sent.length, textsCompared, slowestOverBoundMs: Math.round(Math.max(0, ...overMs)) },
  };
}

function toOutcome(
  { model, watcher }: FaultBench,
  { message: { fault, content }, stoppedAt }: SentFault,
  answers: readonly Answer[] = [],
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
