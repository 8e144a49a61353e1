import type { DeltaEvent, InboundEvent, SessionEvent, ToolCallEvent, ToolResultEvent, Usage } from "@my-bot/protocol";
import type { EventBus } from "../bus/event-bus.ts";
import type { AgentDefinition } from "../workspace/agent-definition.ts";
import type { CompactionConfig } from "../workspace/config.ts";
import { appendPatiently } from "./append-patiently.ts";
import { fitConversation } from "./context/fit-conversation.ts";
import type { TokenCounter } from "./context/token-counter.ts";
import { callKey, type RunRecord, readConversation } from "./conversation.ts";
import { createDeltaWriter } from "./delta-writer.ts";
import {
  type FinishReason,
  type LanguageModel,
  ModelError,
  type ModelMessage,
  type ModelToolCall,
} from "./language-model.ts";
import type { ToolRegistry } from "./tools/registry.ts";
import { addUsage } from "./usage.ts";

/** An agent with what it needs to answer. */
export interface ReadyAgent {
  readonly definition: AgentDefinition;
  readonly systemPrompt: string;
  readonly compaction: CompactionConfig;
  readonly model: LanguageModel;
  readonly tools: ToolRegistry;
}

/** One message on its way to its answer. */
export interface Run {
  readonly inbound: InboundEvent;
  readonly sessionSource: string;
  /** Text of the current turn; what is left of a stopped run. */
  text: string;
  /** Summed over the turns; null while no turn has reported any. */
  usage: Usage | null;
  /** What becomes true together with the answer, in the same commit. */
  changes: readonly SessionEvent[];
}

export interface AgentLoopDeps {
  readonly bus: EventBus;
  readonly agent: ReadyAgent;
  /** Chosen for the session, in place of the agent's. */
  readonly model: string | undefined;
  readonly tokens: TokenCounter;
  readonly onError: (error: unknown) => void;
}

const MAX_TURNS = 20;
const TOKEN_LIMIT_NOTE = "\n\n*(cut off: the model reached its token limit)*";
const REFUSED = "The model's provider refused this answer (content filter)";
const OUTCOME_UNKNOWN = "The server stopped while this call was running: its outcome is unknown. It was not repeated.";

/**
 * Answers one message; the answer is `run.text`. Every step reads from the log what is done and does the next thing, so a
 * run that a crash cut short goes on where it was (SPEC RUN4). Throws ModelError, or the signal's reason.
 */
export async function runAgentLoop(deps: AgentLoopDeps, run: Run, signal: AbortSignal): Promise<void> {
  await settleInterruptedCalls(deps, run, signal);
  for (;;) {
    const { turn, messages } = await fitConversation(deps, run, signal);
    if (turn >= MAX_TURNS) throw new ModelError(`Stopped after ${MAX_TURNS} rounds of tool calls without an answer`);
    const calls = await runTurn(deps, run, { turn, messages, signal });
    if (calls.length === 0) return;
    await appendPatiently(deps, calls, { sessionSource: run.sessionSource, signal });
    await untilAllEnded(calls.map((call) => runTool(deps, run, { call, signal })));
  }
}

interface TurnOptions {
  readonly turn: number;
  readonly messages: readonly ModelMessage[];
  readonly signal: AbortSignal;
}

/** One model call: text goes out as it comes, the intents of its tool calls come back. */
async function runTurn(
  { bus, agent, model, tokens }: AgentLoopDeps,
  run: Run,
  options: TurnOptions,
): Promise<ToolCallEvent[]> {
  const { turn, messages, signal } = options;
  const calls: ModelToolCall[] = [];
  run.text = "";
  using writer = createDeltaWriter((offset, content) =>
    bus.broadcast(deltaEvent(run, { turn, offset, content }), { sessionSource: run.sessionSource }),
  );
  const say = (content: string): void => {
    run.text += content;
    writer.add(content);
  };
  const prompt = { messages, tools: agent.tools.tools() };
  for await (const event of agent.model.stream({ ...prompt, model }, signal)) {
    switch (event.type) {
      case "text":
        say(event.content);
        break;
      case "restart":
        run.text = "";
        writer.restart();
        break;
      case "tool_call":
        calls.push(event.call);
        break;
      case "finish":
        run.usage = addUsage(run.usage, event.usage);
        tokens.learn(model ?? agent.definition.llm.model, prompt, event.usage);
        applyFinish(event.reason, say);
    }
  }
  return calls.map((call, index) => toolCallEvent(run, call, { turn, content: index === 0 ? run.text : "" }));
}

function applyFinish(reason: FinishReason, say: (content: string) => void): void {
  if (reason === "content_filter") throw new ModelError(REFUSED);
  if (reason === "length") say(TOKEN_LIMIT_NOTE);
}

async function runTool(
  deps: AgentLoopDeps,
  run: Run,
  { call, signal }: { call: ToolCallEvent; signal: AbortSignal },
): Promise<void> {
  const { bus, agent } = deps;
  const { inbound, sessionSource } = run;
  const result = await agent.tools.run({ call, inbound, sessionSource }, signal);
  const events = [toolResultEvent(call, result)];
  if (!signal.aborted) await appendPatiently(deps, events, { sessionSource, signal });
  // what may be made again is, after the next start; of anything else the log tells how far it came
  else if (!agent.tools.isRepeatable(call.name)) await bus.publish(events, { sessionSource });
  signal.throwIfAborted();
}

/** No call outlives its run: waits for all of them, then rethrows the first failure. */
async function untilAllEnded(calls: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(calls);
  await Promise.all(calls);
}

/** Calls that a crash interrupted: those that may be are made again, of the others the model is told. */
async function settleInterruptedCalls(deps: AgentLoopDeps, run: Run, signal: AbortSignal): Promise<void> {
  const { bus, agent } = deps;
  const { sessionSource } = run;
  const unknown = (call: ToolCallEvent) => toolResultEvent(call, { content: OUTCOME_UNKNOWN, is_error: true });
  const { runs } = readConversation(bus, run.inbound.session_id);
  const interrupted = openCalls(runs.get(run.inbound.run_id));
  await untilAllEnded(
    interrupted.map((call) =>
      agent.tools.isRepeatable(call.name)
        ? runTool(deps, run, { call, signal })
        : appendPatiently(deps, [unknown(call)], { sessionSource, signal }),
    ),
  );
}

function openCalls(record: RunRecord | undefined): ToolCallEvent[] {
  return record?.calls.filter((call) => !record.results.has(callKey(call))) ?? [];
}

function deltaEvent({ inbound }: Run, piece: Pick<DeltaEvent, "turn" | "offset" | "content">): DeltaEvent {
  const { session_id, run_id } = inbound;
  return { type: "DeltaEvent", session_id, run_id, ...piece };
}

function toolCallEvent(
  { inbound }: Run,
  call: ModelToolCall,
  { turn, content }: { turn: number; content: string },
): ToolCallEvent {
  return {
    type: "ToolCallEvent",
    session_id: inbound.session_id,
    run_id: inbound.run_id,
    turn,
    tool_call_id: call.id,
    name: call.name,
    arguments: call.arguments,
    content,
    timestamp: Date.now() / 1000,
  };
}

function toolResultEvent(call: ToolCallEvent, result: { content: string; is_error: boolean }): ToolResultEvent {
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
