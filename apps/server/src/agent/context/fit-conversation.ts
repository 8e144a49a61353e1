import type { EventBus } from "../../bus/event-bus.ts";
import type { ReadyAgent, Run } from "../agent-loop.ts";
import { appendPatiently } from "../append-patiently.ts";
import { readConversation, toPassages } from "../conversation.ts";
import { ModelError, type ModelFinish, type ModelMessage } from "../language-model.ts";
import { sessionEvent } from "../new-session.ts";
import { addTurn } from "../run-account.ts";
import { systemMessage } from "../system-message.ts";
import { chooseCut } from "./choose-cut.ts";
import { type ContextLimits, contextLimits } from "./context-limits.ts";
import { cutResults } from "./cut-results.ts";
import { summarise } from "./summarise.ts";
import type { TokenCounter } from "./token-counter.ts";

export interface FitDeps {
  readonly bus: EventBus;
  readonly agent: ReadyAgent;
  /** Chosen for the session, in place of the agent's. */
  readonly model: string | undefined;
  readonly tokens: TokenCounter;
  readonly onError: (error: unknown) => void;
}

export interface Progress {
  /** The next turn of the run. */
  readonly turn: number;
  readonly messages: readonly ModelMessage[];
}

interface Prompt extends Progress {
  readonly limits: ContextLimits;
  readonly size: number; // tokens
}

const KEEP_SHARE = 0.3; // of the threshold: what stays word for word
const KEEP_LAST_SHARE = 0.6; // of a last turn that is larger than that

/**
 * What the model is asked next: the conversation, made smaller when it has passed the threshold. First long tool results are
 * cut, then the older part becomes a summary, which is a durable event (SPEC CMP1, CMP4). Throws ModelError when it does not
 * fit the model's window in the end.
 */
export async function fitConversation(deps: FitDeps, run: Run, signal: AbortSignal): Promise<Progress> {
  const prompt = readPrompt(deps, run);
  if (prompt.size <= prompt.limits.compactAt) return prompt;
  const failure = await compact(deps, run, { prompt, signal });
  const { limits, size, ...progress } = failure ? prompt : readPrompt(deps, run);
  if (size <= limits.window) return progress;
  const reason = failure ? `, and it could not be summarised (${failure.message})` : "";
  throw new ModelError(
    `This needs about ${size} tokens; ${limits.model} takes ${limits.window} (llm.context_window)${reason}. /clear begins anew`,
  );
}

function readPrompt(deps: FitDeps, { inbound }: Run): Prompt {
  const { agent, tokens } = deps;
  const conversation = readConversation(deps.bus, inbound.session_id);
  const limits = contextLimits(agent.definition.llm, agent.compaction.threshold, deps.model);
  const count = (messages: readonly ModelMessage[]): number =>
    tokens.count(limits.model, { messages, tools: agent.tools.tools() });
  const all: ModelMessage[] = [
    systemMessage(agent, inbound),
    ...toPassages(conversation, inbound.run_id).flatMap((passage) => passage.messages),
  ];
  const messages = cutResults(all, (shorter) => count(shorter) <= limits.compactAt);
  const lastTurn = conversation.runs.get(inbound.run_id)?.calls.at(-1)?.turn ?? -1;
  return { turn: lastTurn + 1, messages, limits, size: count(messages) };
}

/** Undefined when done, or when there is nothing to summarise; else why the model could not do it. */
async function compact(
  deps: FitDeps,
  run: Run,
  { prompt: { turn, limits }, signal }: { prompt: Prompt; signal: AbortSignal },
): Promise<ModelError | undefined> {
  const { inbound, sessionSource } = run;
  const { model } = deps.agent;
  const count = (messages: readonly ModelMessage[]): number => deps.tokens.count(limits.model, { messages, tools: [] });
  const cut = chooseCut(toPassages(readConversation(deps.bus, inbound.session_id), inbound.run_id), {
    runId: inbound.run_id,
    keepTokens: limits.compactAt * KEEP_SHARE,
    keepLastTokens: limits.compactAt * KEEP_LAST_SHARE,
    count: ({ messages }) => count(cutResults(messages, () => false)),
  });
  if (cut === undefined) return undefined;
  const onTurn = (finish: ModelFinish): void => addTurn(run, finish);
  try {
    const old = cut.old.flatMap(({ messages }) => messages);
    const summary = await summarise({ model, tokens: deps.tokens, limits, onTurn }, old, signal);
    const owner = { session_id: inbound.session_id, source: sessionSource, agent_id: inbound.agent_id };
    const event = sessionEvent(owner, { action: "compacted", up_to: cut.at, summary });
    await appendPatiently(deps, [event], { sessionSource, key: `compacted:${inbound.run_id}:${turn}`, signal });
    return undefined;
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    deps.onError(cause);
    return cause;
  }
}
