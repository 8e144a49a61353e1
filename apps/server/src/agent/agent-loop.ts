import type { DeltaEvent, InboundEvent, SessionEvent, ToolCallEvent } from "@my-bot/protocol";
import type { EventBus } from "../bus/event-bus.ts";
import type { ApprovalStore } from "../session/approval-store.ts";
import type { AgentDefinition } from "../workspace/agent-definition.ts";
import type { CompactionConfig } from "../workspace/config.ts";
import { fitConversation } from "./context/fit-conversation.ts";
import type { TokenCounter } from "./context/token-counter.ts";
import { createDeltaWriter } from "./delta-writer.ts";
import {
  type FinishReason,
  type LanguageModel,
  ModelError,
  type ModelMessage,
  type ModelToolCall,
} from "./language-model.ts";
import { createLiveReasoning } from "./live-reasoning.ts";
import { makeCalls, settleInterruptedCalls } from "./make-calls.ts";
import { addTurn, type RunAccount } from "./run-account.ts";
import type { ToolRegistry } from "./tools/registry.ts";

/** An agent with what it needs to answer. */
export interface ReadyAgent {
  readonly definition: AgentDefinition;
  /** The part that is the same for all runs. */
  readonly systemPrompt: string;
  readonly timeZone: string;
  readonly compaction: CompactionConfig;
  readonly model: LanguageModel;
  readonly tools: ToolRegistry;
  /** How long a call that asks waits for someone to allow it. */
  readonly approvalTimeoutMs: number;
}

/** One message on its way to its answer. */
export interface Run extends RunAccount {
  readonly inbound: InboundEvent;
  readonly sessionSource: string;
  /** Text of the current turn; what is left of a stopped run. */
  text: string;
  /** What becomes true together with the answer, in the same commit. */
  changes: readonly SessionEvent[];
}

export interface AgentLoopDeps {
  readonly bus: EventBus;
  readonly approvals: Pick<ApprovalStore, "listAllowed">;
  readonly agent: ReadyAgent;
  /** Chosen for the session, in place of the agent's. */
  readonly model: string | undefined;
  readonly tokens: TokenCounter;
  /** Leaves the run's place among those of its agent to others until `wait` has settled. */
  readonly whileWaiting: <T>(wait: Promise<T>) => Promise<T>;
  /** Aborts when the server begins to stop: nobody is waited for any more. */
  readonly stopping: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const MAX_TURNS = 20;
const TOKEN_LIMIT_NOTE = "\n\n*(cut off: the model reached its token limit)*";
const REFUSED = "The model's provider refused this answer (content filter)";

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
    await makeCalls(deps, run, { calls, signal });
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
  using thoughts = createLiveReasoning(bus, { ...run, turn });
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
      case "reasoning":
        thoughts.add(event.content);
        break;
      case "restart":
        thoughts.restart();
        run.text = "";
        writer.restart();
        break;
      case "tool_call":
        calls.push(event.call);
        break;
      case "finish":
        addTurn(run, event);
        tokens.learn(event.model, prompt, event.usage);
        applyFinish(event.reason, say);
    }
  }
  return calls.map((call, index) => toolCallEvent(run, call, { turn, content: index === 0 ? run.text : "" }));
}

function applyFinish(reason: FinishReason, say: (content: string) => void): void {
  if (reason === "content_filter") throw new ModelError(REFUSED);
  if (reason === "length") say(TOKEN_LIMIT_NOTE);
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
