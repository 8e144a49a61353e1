import type { ConversationStart } from "@my-bot/protocol";
import type { Passage } from "../conversation.ts";

export interface Cut {
  /** What the summary stands for. */
  readonly old: readonly Passage[];
  /** Where the rest begins. */
  readonly at: ConversationStart;
}

export interface CutOptions {
  /** The run that goes on: its question stays in any case. */
  readonly runId: string;
  /** How many tokens may stay. */
  readonly keepTokens: number;
  /** How many its last turn may have, which the model has not seen yet. */
  readonly keepLastTokens: number;
  readonly count: (passage: Passage) => number;
}

/**
 * Where to cut a conversation: before a question, or before a turn of the run that goes on; so a call is never parted from
 * its result (SPEC CMP5). Undefined when nothing new is before the cut.
 */
export function chooseCut(passages: readonly Passage[], options: CutOptions): Cut | undefined {
  const { runId, keepTokens, keepLastTokens, count } = options;
  const question = passages.findIndex(({ at, isQuestion }) => isQuestion && at?.run_id === runId);
  let cut = passages.length;
  let kept = 0;
  for (const [index, passage] of [...passages.entries()].reverse()) {
    kept += count(passage);
    const limit = index === passages.length - 1 ? keepLastTokens : keepTokens;
    if (kept > limit && index !== question) break;
    if (index >= question || passage.isQuestion) cut = index;
  }
  const old = passages.slice(0, cut);
  const isNew = old.some(({ at }) => at !== undefined); // more than the summary before
  return isNew ? { old, at: passages[cut]?.at ?? afterLast(passages, runId) } : undefined;
}

function afterLast(passages: readonly Passage[], runId: string): ConversationStart {
  return { run_id: runId, turn: (passages.at(-1)?.at?.turn ?? 0) + 1 };
}
