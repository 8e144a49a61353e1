import { expect, test } from "vitest";
import { createAnswerPrinter } from "../src/cli/answer-printer.ts";

test("[CLI6] [CLT5] an answer that begins afresh is printed below the unfinished one (P17)", () => {
  let printed = "";
  const { onDelta } = createAnswerPrinter((text) => {
    printed += text;
  });
  const delta = { type: "DeltaEvent", session_id: "s", run_id: "r", turn: 0 } as const;
  for (const [offset, content] of [
    [0, "Half an"],
    [0, ""],
    [0, "The "],
    [4, "whole"],
  ] as const) {
    onDelta(content, { ...delta, offset, content });
  }
  expect(printed).toBe("Half an\n\nThe whole");
});
