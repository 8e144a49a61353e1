import { styleText } from "node:util";
import type { DeltaEvent, ReasoningEvent } from "@my-bot/client";

export interface AnswerPrinter {
  onDelta(text: string, event: DeltaEvent): void;
  onReasoning(text: string, event: ReasoningEvent): void;
}

/**
 * Prints an answer while it is written: each turn on lines of its own, a text that starts afresh once more, and thoughts
 * apart from it, dimmed.
 */
export function createAnswerPrinter(write: (text: string) => void): AnswerPrinter {
  let last: "text" | "reasoning" | undefined;
  const print = (kind: "text" | "reasoning", text: string, offset: number): void => {
    if (text === "") return; // one that starts afresh and has nothing yet
    if (last !== undefined && (offset === 0 || kind !== last)) write("\n\n");
    write(kind === "text" ? text : styleText("dim", text, { validateStream: false }));
    last = kind;
  };
  return {
    onDelta: (text, { offset }) => print("text", text, offset),
    onReasoning: (text, { offset }) => print("reasoning", text, offset),
  };
}
