import type { DeltaEvent } from "@my-bot/client";

/** Prints an answer while it is written: each turn on lines of its own, and a text that starts afresh once more. */
export function createAnswerPrinter(write: (text: string) => void) {
  let hasText = false;
  return (text: string, { offset }: DeltaEvent): void => {
    if (text === "") return; // a text that starts afresh and has nothing yet
    if (offset === 0 && hasText) write("\n\n");
    write(text);
    hasText = true;
  };
}
