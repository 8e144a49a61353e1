import type {
  ApprovalRequestedEvent,
  ApprovalResolvedEvent,
  DurableEvent,
  ToolCallEvent,
  ToolResultEvent,
} from "@my-bot/protocol";
import type { LogRecord } from "../bus/event-bus.ts";
import type { AgentLoopDeps, Run } from "./agent-loop.ts";
import { appendPatiently } from "./append-patiently.ts";
import { awaitApproval } from "./await-approval.ts";
import { callKey, type RunRecord, readConversation } from "./conversation.ts";
import { withLiveOutput } from "./live-output.ts";
import { permitCall } from "./permit-call.ts";
import type { AllowedCall, ToolResult } from "./tools/tool.ts";

const OUTCOME_UNKNOWN = "The server stopped while this call was running: its outcome is unknown. It was not repeated.";

type Request = LogRecord<ApprovalRequestedEvent>;

interface PlannedCall {
  readonly call: ToolCallEvent;
  /** It was allowed before. */
  readonly allowed?: AllowedCall | undefined;
  /** It is made when this is answered so. */
  readonly request?: Request | undefined;
}

/** Stores the intents of calls and makes them, each as soon as it may be. */
export async function makeCalls(
  deps: AgentLoopDeps,
  run: Run,
  { calls, signal }: { calls: readonly ToolCallEvent[]; signal: AbortSignal },
): Promise<void> {
  const planned = await planCalls(deps, run, { calls, intents: calls, signal });
  await untilAllEnded(planned.map((one) => makeCall(deps, run, { ...one, signal })));
}

/**
 * Calls that a crash interrupted: those that ask go on waiting, those that may be are made again, of the others the model
 * is told (SPEC RUN4, APR5).
 */
export async function settleInterruptedCalls(deps: AgentLoopDeps, run: Run, signal: AbortSignal): Promise<void> {
  const { bus, agent } = deps;
  const { session_id: sessionId, run_id: runId } = run.inbound;
  const record = readConversation(bus, sessionId).runs.get(runId);
  const open = record?.calls.filter((call) => !record.results.has(callKey(call))) ?? [];
  if (record === undefined || open.length === 0) return;
  const isLost = (call: ToolCallEvent): boolean => !agent.tools.isRepeatable(call.name) && mayHaveBegun(call, record);
  const others = open
    .filter((call) => !isLost(call))
    .map((call) => ({ call, request: record.requests.get(callKey(call)) }));
  const asked = others.filter(({ request }) => request !== undefined);
  const calls = others.filter(({ request }) => request === undefined).map(({ call }) => call);
  const planned = await planCalls(deps, run, { calls, intents: [], signal });
  await untilAllEnded([
    ...[...asked, ...planned].map((one) => makeCall(deps, run, { ...one, signal })),
    ...open.filter(isLost).map((call) => append(deps, run, { events: [unknownResult(call)], signal })),
  ]);
}

/** A call without a request needed none; one that still waits, or was denied, was not made. */
function mayHaveBegun(call: ToolCallEvent, { requests, decisions }: RunRecord): boolean {
  return !requests.has(callKey(call)) || decisions.get(callKey(call))?.decision === "allow";
}

function unknownResult(call: ToolCallEvent): ToolResultEvent {
  return toolResultEvent(call, { content: OUTCOME_UNKNOWN, is_error: true });
}

interface PlanOptions {
  readonly calls: readonly ToolCallEvent[];
  /** Those of them that are yet to be stored. */
  readonly intents: readonly ToolCallEvent[];
  readonly signal: AbortSignal;
}

/**
 * Stores intents together with the requests of the calls that ask, all or nothing. So a call in the log that has no
 * request is one that needed none (SPEC APR1).
 */
async function planCalls(
  deps: AgentLoopDeps,
  run: Run,
  { calls, intents, signal }: PlanOptions,
): Promise<PlannedCall[]> {
  const { tools, approvalTimeoutMs: timeoutMs } = deps.agent;
  const permits = await Promise.all(
    calls.map((call) => permitCall(call, { tools, approvals: deps.approvals, timeoutMs })),
  );
  const asked = permits.flatMap((permit) => (permit.state === "asked" ? permit.request : []));
  const added = [...intents, ...asked];
  const records = added.length > 0 ? await append(deps, run, { events: added, signal }) : [];
  const requests = new Map(records.filter(isRequest).map((record) => [callKey(record.event), record]));
  return calls.map((call, index) => {
    const permit = permits[index];
    return {
      call,
      allowed: permit?.state === "allowed" ? permit.allowed : undefined,
      request: requests.get(callKey(call)),
    };
  });
}

function isRequest(record: LogRecord): record is Request {
  return record.event.type === "ApprovalRequestedEvent";
}

async function makeCall(
  deps: AgentLoopDeps,
  run: Run,
  { signal, ...planned }: PlannedCall & { readonly signal: AbortSignal },
): Promise<void> {
  const { call } = planned;
  const events = [toolResultEvent(call, await resultOf(deps, run, { ...planned, signal }))];
  if (!signal.aborted) await append(deps, run, { events, signal });
  // what may be made again is, after the next start; of anything else the log tells how far it came
  else if (!deps.agent.tools.isRepeatable(call.name))
    await deps.bus.publish(events, { sessionSource: run.sessionSource });
  signal.throwIfAborted();
}

async function resultOf(
  deps: AgentLoopDeps,
  { inbound, sessionSource }: Run,
  { call, allowed, request, signal }: PlannedCall & { readonly signal: AbortSignal },
): Promise<ToolResult> {
  const { tools } = deps.agent;
  const context = { call, inbound, sessionSource };
  const make = (allowed: AllowedCall | undefined): Promise<ToolResult> =>
    withLiveOutput(deps.bus, { ...context, allowed }, (shown) => tools.run(shown, signal));
  if (request === undefined) return await make(allowed);
  const untilStop = AbortSignal.any([signal, deps.stopping]);
  const answer = await deps.whileWaiting(awaitApproval(deps, request, untilStop));
  if (answer.decision === "deny") return { content: explainDenial(answer), is_error: true };
  return await make(request.event);
}

function explainDenial({ reason }: ApprovalResolvedEvent): string {
  switch (reason) {
    case "answered":
      return "Not done: the user denied this call. Do not try to reach the same in another way; ask what they want.";
    case "expired":
      return "Not done: nobody allowed this call in time, so it counts as denied. Tell the user what you wanted to do.";
    case "aborted":
      return "Not done: the run was stopped before anyone had allowed this call.";
  }
}

/** No call outlives its run: waits for all of them, then rethrows the first failure. */
async function untilAllEnded(calls: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(calls);
  await Promise.all(calls);
}

async function append(
  deps: AgentLoopDeps,
  { sessionSource }: Run,
  { events, signal }: { events: readonly DurableEvent[]; signal: AbortSignal },
): Promise<readonly LogRecord[]> {
  return (await appendPatiently(deps, events, { sessionSource, signal })).records;
}

function toolResultEvent(call: ToolCallEvent, result: ToolResult): ToolResultEvent {
  const { session_id, run_id, turn, tool_call_id, name } = call;
  return {
    type: "ToolResultEvent",
    session_id,
    run_id,
    turn,
    tool_call_id,
    name,
    content: result.content,
    is_error: result.is_error,
    timestamp: Date.now() / 1000,
  };
}
