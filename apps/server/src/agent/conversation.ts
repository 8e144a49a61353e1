import type { DurableEvent, InboundEvent, OutboundEvent, ToolCallEvent, ToolResultEvent } from "@my-bot/protocol";
import type { ModelMessage } from "./language-model.ts";

/** What the log holds of one run: all of it for an answered one, the part before a crash for an open one. */
export interface RunRecord {
  readonly inbound: InboundEvent;
  readonly calls: readonly ToolCallEvent[];
  readonly results: ReadonlyMap<string, ToolResultEvent>; // by callKey
  readonly outbound: OutboundEvent | undefined;
}

interface MutableRun {
  readonly inbound: InboundEvent;
  readonly calls: ToolCallEvent[];
  readonly results: Map<string, ToolResultEvent>;
  outbound: OutboundEvent | undefined;
}

/** Some providers use the same call ids again in every turn. */
export function callKey({ turn, tool_call_id }: ToolCallEvent | ToolResultEvent): string {
  return `${turn} ${tool_call_id}`;
}

/** Groups a session's events by run, in the order of the questions: queued questions stand before earlier answers in the log. */
export function groupRuns(events: Iterable<DurableEvent>): ReadonlyMap<string, RunRecord> {
  const runs = new Map<string, MutableRun>();
  for (const event of events) {
    switch (event.type) {
      case "InboundEvent":
        runs.set(event.run_id, { inbound: event, calls: [], results: new Map(), outbound: undefined });
        break;
      case "ToolCallEvent":
        runs.get(event.run_id)?.calls.push(event);
        break;
      case "ToolResultEvent":
        runs.get(event.run_id)?.results.set(callKey(event), event);
        break;
      case "OutboundEvent": {
        const run = runs.get(event.run_id);
        if (run) run.outbound = event;
        break;
      }
      case "RunStartedEvent":
      case "RunEndedEvent":
      case "DispatchEvent":
      case "DispatchResultEvent":
      case "SessionEvent":
        break;
    }
  }
  return runs;
}

/** The conversation up to and including `runId`, as the model sees it. */
export function toMessages(runs: ReadonlyMap<string, RunRecord>, runId: string): ModelMessage[] {
  const messages: ModelMessage[] = [];
  for (const run of runs.values()) {
    messages.push(...runMessages(run));
    if (run.inbound.run_id === runId) break;
  }
  return messages;
}

const NO_RESULT = "Interrupted: no result is known.";

function runMessages({ inbound, calls, results, outbound }: RunRecord): ModelMessage[] {
  const messages: ModelMessage[] = [{ role: "user", content: inbound.content }];
  for (const turnCalls of Map.groupBy(calls, (call) => call.turn).values()) {
    messages.push({
      role: "assistant",
      content: turnCalls.map((call) => call.content).join(""),
      tool_calls: turnCalls.map((call) => ({ id: call.tool_call_id, name: call.name, arguments: call.arguments })),
    });
    for (const call of turnCalls) {
      const content = results.get(callKey(call))?.content ?? NO_RESULT;
      messages.push({ role: "tool", tool_call_id: call.tool_call_id, content });
    }
  }
  if (outbound?.content) messages.push({ role: "assistant", content: outbound.content });
  return messages;
}
