import { expect, test } from "vitest";
import { TurnTexts } from "../src/wire/turn-texts.ts";

const delta = (offset: number, content: string) => ({ type: "DeltaEvent", run_id: "r", offset, content }) as const;
const answer = { type: "OutboundEvent", run_id: "r", content: "Hello" } as const;

function judge(events: readonly Parameters<TurnTexts["add"]>[0][]): [compared: number, broken: number] {
  const texts = new TurnTexts();
  for (const event of events) texts.add(event);
  return [texts.compared, texts.broken];
}

test("[EV5] the deltas since the last offset 0 are the answer; anything else is noticed (P17)", () => {
  expect(judge([delta(0, "Hel"), delta(3, "lo"), answer])).toEqual([1, 0]);
  expect(judge([delta(0, "Hex"), delta(0, "Hel"), delta(3, "lo"), answer])).toEqual([1, 0]);
  expect(judge([delta(0, "I look. "), { type: "ToolCallEvent", run_id: "r" }, delta(0, "Hello"), answer])).toEqual([
    1, 0,
  ]);
  expect(judge([delta(3, "lo"), answer])).toEqual([0, 0]); // came late, and was sent nothing from the start
  expect(judge([delta(0, "Hel"), delta(4, "o"), answer])).toEqual([1, 2]); // a hole
  expect(judge([delta(0, "Hel"), answer])).toEqual([1, 1]);
});
