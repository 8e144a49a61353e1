import { expect, test } from "vitest";
import { AnswerText } from "../src/answer-text.ts";

test("[CLT5] deltas that overlap or come again add only what is new", () => {
  const text = new AnswerText();
  expect(text.add({ turn: 0, offset: 0, content: "Hel" })).toEqual({ turn: 0, offset: 0, content: "Hel" });
  expect(text.add({ turn: 0, offset: 0, content: "Hello" })).toEqual({ turn: 0, offset: 3, content: "lo" });
  expect(text.add({ turn: 0, offset: 3, content: "lo" })).toBeUndefined();
  expect(text.add({ turn: 0, offset: 4, content: "o, you" })).toEqual({ turn: 0, offset: 5, content: ", you" });
  expect(text.end("Hello, you")).toBeUndefined();
});

test("[CLT5] a delta after a hole waits for the whole text", () => {
  const text = new AnswerText();
  text.add({ turn: 0, offset: 0, content: "Hel" });
  expect(text.add({ turn: 0, offset: 8, content: "there" })).toBeUndefined();
  expect(text.add({ turn: 0, offset: 0, content: "Hello there" })).toEqual({ turn: 0, offset: 3, content: "lo there" });
});

test("[CLT5] another text replaces the turn's, an empty one too", () => {
  const text = new AnswerText();
  text.add({ turn: 0, offset: 0, content: "An unfinished" });
  expect(text.add({ turn: 0, offset: 0, content: "" })).toEqual({ turn: 0, offset: 0, content: "" });
  text.add({ turn: 0, offset: 0, content: "A fin" });
  expect(text.end("A better one")).toEqual({ turn: 0, offset: 0, content: "A better one" });
});

test("[CLT5] a turn that ended is over: its text comes from the log once, and late deltas are nothing", () => {
  const text = new AnswerText();
  text.add({ turn: 0, offset: 0, content: "I look " });
  expect(text.endTurn(0, "I look it up.")).toEqual({ turn: 0, offset: 7, content: "it up." });
  expect(text.endTurn(0, "")).toBeUndefined(); // the second call of the turn
  expect(text.add({ turn: 0, offset: 0, content: "I look" })).toBeUndefined();
  expect(text.end("Here.")).toEqual({ turn: 1, offset: 0, content: "Here." });
});

test("[CLT5] [EV5] [bug unfinished-text-before-tools] what a killed server had shown is taken back by a tool call without text (P17)", () => {
  const text = new AnswerText();
  text.add({ turn: 0, offset: 0, content: "An unfinished" });
  expect(text.endTurn(0, "")).toEqual({ turn: 0, offset: 0, content: "" });
  expect(text.end("Done.")).toEqual({ turn: 1, offset: 0, content: "Done." });
});
