import { BotError, formatSource, type InboundEvent, type OutboundEvent, type RunEndedEvent } from "@my-bot/protocol";
import { type AgentLoopDeps, type Run, runAgentLoop } from "./agent-loop.ts";
import { AgentRuns } from "./agent-runs.ts";
import { appendPatiently } from "./append-patiently.ts";
import { answerCommand } from "./commands/answer-command.ts";
import type { CommandDeps } from "./commands/command.ts";
import { findCommand } from "./commands/command-registry.ts";
import { dispatchResultEvent } from "./dispatcher.ts";
import { ModelError } from "./language-model.ts";
import type { Redactor } from "./redact.ts";
import { RunAborted } from "./run-aborted.ts";
import { ServerStopping } from "./server-stopping.ts";

/** What commands have is what the worker has; `findAgent` gives the agent as it is now, a run keeps the one it began with. */
export interface AgentWorkerDeps extends Omit<CommandDeps, "stopEarlier"> {
  /** Takes secrets out of what a run ends with, whoever says it (SPEC TOOL13). */
  readonly redactor: Pick<Redactor, "redact">;
  readonly approvals: AgentLoopDeps["approvals"];
  /** Unexpected failures of a run, for the log; the user gets a sentence without details. */
  readonly onError: (error: unknown) => void;
}

type Outcome = Pick<RunEndedEvent, "status"> & Pick<OutboundEvent, "error">;

type AttemptDeps = AgentWorkerDeps & CommandDeps & Pick<AgentLoopDeps, "whileWaiting" | "stopping">;

const RETRY_MS = 1000;

/** The runs of this process; `runAgentWorker` feeds them from the log. `signal`: the server stops. */
export function createAgentRuns(deps: AgentWorkerDeps, signal: AbortSignal): AgentRuns {
  const runs: AgentRuns = new AgentRuns({
    answer: async (run, runSignal) => {
      const whileWaiting: AgentLoopDeps["whileWaiting"] = (wait) => runs.whileWaiting(run.inbound.run_id, wait);
      const stopEarlier: CommandDeps["stopEarlier"] = (runId) => runs.stopEarlier(runId);
      const outcome = await attempt({ ...deps, stopEarlier, whileWaiting, stopping: runs.stopping }, run, runSignal);
      if (outcome) await endRun(deps, run, { outcome, signal });
    },
    cancel: (run) => endRun(deps, run, { outcome: aborted(new RunAborted()), signal }),
    concurrency: (agentId) => deps.findAgent(agentId)?.definition.maxConcurrency ?? 1,
    isImmediate: (inbound) => findCommand(inbound)?.command.isImmediate === true,
  });
  return runs;
}

/** Gives every unanswered message of the log, then every new one, to the runs, until `signal` aborts (SPEC RUN3). */
export async function runAgentWorker(deps: AgentWorkerDeps, runs: AgentRuns, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await feedRuns(deps, runs, signal);
    } catch (cause) {
      deps.onError(cause); // the log could not be read, say: what is open is found again from the start
      await pause(RETRY_MS);
    }
  }
}

async function feedRuns({ bus, sessions }: AgentWorkerDeps, runs: AgentRuns, signal: AbortSignal): Promise<void> {
  const records = bus.subscribe({ after: sessions.resumeCursor(), filter: { types: ["InboundEvent"] }, signal });
  for await (const { event } of records) {
    if (event.type !== "InboundEvent" || !sessions.isOpen(event.run_id)) continue;
    runs.add(event, sessions.owner(event.session_id)?.source ?? event.source);
  }
}

/** Undefined when the server stops: the run stays open and the next start goes on with it. */
async function attempt(deps: AttemptDeps, run: Run, signal: AbortSignal): Promise<Outcome | undefined> {
  try {
    await carryOut(deps, run, signal);
    return { status: "completed", error: null };
  } catch (cause) {
    if (cause instanceof ServerStopping) return undefined;
    if (signal.aborted) return signal.reason instanceof RunAborted ? aborted(signal.reason) : undefined;
    if (cause instanceof ModelError || cause instanceof BotError) return failed(run, cause.message);
    deps.onError(cause);
    return failed(run, "The run failed for a reason that the server's log tells");
  }
}

async function carryOut(deps: AttemptDeps, run: Run, signal: AbortSignal): Promise<void> {
  const { bus, approvals, sessions, tokens, whileWaiting, stopping, onError } = deps;
  const { agent_id, session_id } = run.inbound;
  const found = findCommand(run.inbound);
  const agent = found ? undefined : deps.findAgent(agent_id);
  if (!found && !agent) throw new ModelError(`Agent "${agent_id}" is no longer in the workspace`);
  await appendStarted(deps, run, { command: found?.command.name, signal });
  if (found) return answerCommand(deps, { run, ...found }, signal);
  const model = sessions.owner(session_id)?.model ?? undefined;
  if (agent) await runAgentLoop({ bus, approvals, agent, model, tokens, whileWaiting, stopping, onError }, run, signal);
}

function aborted(reason: RunAborted): Outcome {
  return { status: "aborted", error: reason.message };
}

/** The inherited shape of a failure: no content (SPEC EV2). */
function failed(run: Run, error: string): Outcome {
  run.text = "";
  return { status: "failed", error };
}

async function appendStarted(
  deps: AgentWorkerDeps,
  { inbound, sessionSource }: Run,
  { command, signal }: { command: string | undefined; signal: AbortSignal },
): Promise<void> {
  const { session_id, run_id, agent_id } = inbound;
  const timestamp = Date.now() / 1000;
  const started = { type: "RunStartedEvent" as const, session_id, run_id, agent_id, timestamp, command };
  await appendPatiently(deps, [started], { sessionSource, key: `started:${run_id}`, signal });
}

/** The answer and the end of the run, in one append. The key makes a second answer impossible (SPEC RUN2). */
async function endRun(
  deps: AgentWorkerDeps,
  run: Run,
  { outcome, signal }: { outcome: Outcome; signal: AbortSignal },
): Promise<void> {
  const outbound = outboundEvent(deps, run, outcome);
  const key = `answer:${run.inbound.run_id}`;
  const changes = outcome.status === "completed" ? run.changes : [];
  const answer = appendPatiently(deps, [...changes, outbound, runEndedEvent(run, outcome)], {
    sessionSource: run.sessionSource,
    key,
    signal,
  });
  await Promise.all([answer, appendDispatchResult(deps, { run, outbound, signal })]).catch((cause: unknown) => {
    if (!signal.aborted) deps.onError(cause);
  });
}

/** For whoever waits for it; begun in the same tick as the answer, and so in the same commit (SPEC BUS11, AGT2). */
async function appendDispatchResult(
  deps: AgentWorkerDeps,
  { run, outbound, signal }: { run: Run; outbound: OutboundEvent; signal: AbortSignal },
): Promise<void> {
  const parent = run.inbound.dispatched_by;
  const sessionSource = parent && deps.sessions.owner(parent.session_id)?.source;
  if (!parent || !sessionSource) return; // its session may be deleted
  const key = `dispatched:${outbound.run_id}`;
  await appendPatiently(deps, [dispatchResultEvent(outbound, parent)], { sessionSource, key, signal });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function outboundEvent({ redactor }: AgentWorkerDeps, { inbound, text }: Run, { error }: Outcome): OutboundEvent {
  return {
    type: "OutboundEvent",
    session_id: inbound.session_id,
    source: formatSource({ kind: "agent", id: inbound.agent_id }),
    content: redactor.redact(text),
    timestamp: Date.now() / 1000,
    error: error && redactor.redact(error),
    run_id: inbound.run_id,
  };
}

function runEndedEvent({ inbound, usage, model, cost }: Run, { status }: Outcome): RunEndedEvent {
  const { session_id, run_id }: InboundEvent = inbound;
  return {
    type: "RunEndedEvent",
    session_id,
    run_id,
    status,
    usage,
    model,
    cost: cost && Number(cost.amount.toFixed(9)),
    ...(cost && { currency: cost.currency }),
    timestamp: Date.now() / 1000,
  };
}
