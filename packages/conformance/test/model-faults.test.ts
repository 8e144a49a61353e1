import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { answerTo } from "../src/model/scripted-model.ts";
import { judgeMemory } from "../src/model-faults/judge-memory.ts";
import { type FaultCount, type FaultOutcome, judgeModelFault } from "../src/model-faults/judge-model-fault.ts";
import { answered, failed } from "../src/model-faults/model-fault-case.ts";
import { runModelFaults } from "../src/model-faults/model-faults.ts";
import { readGroupMemory } from "../src/server/process-memory.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

const ROOT = join(import.meta.dirname, "../../..");
const silently = (): void => undefined;

function broken(verdict: Readonly<Record<string, number>>): string[] {
  return Object.keys(verdict).filter((name) => verdict[name] !== 0);
}

test("[RUN2] [RUN5] [RUN7] [RUN8] [RUN11] [RUN12] [TOOL2] [LLM1] every fault of a provider ends its run with the right answer, in time and once (P16)", async () => {
  const command = `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`;
  const lines: string[] = [];
  const { verdict, facts } = await runModelFaults(
    { command, seed: 5, times: 1, longWaitMs: 3000, slackMs: 20_000, parallel: 20 },
    (line) => lines.push(line),
  );
  expect({ broken: broken(verdict), lines, facts }).toEqual({ broken: [], lines: [], facts });
  expect(facts.messages).toBeGreaterThan(50);
  expect(facts.textsCompared).toBeGreaterThan(20);
}, 240_000);

const ASKED = "fault:x #1";
const good: FaultOutcome = {
  asked: ASKED,
  expected: answered(1),
  answers: [{ content: answerTo(ASKED), error: null }],
  ms: 100,
  exchanges: [{ isOver: true, cancelledMs: undefined }],
  toolResults: [],
  deltas: { count: 60, firstAt: 0, lastAt: 10 },
};
const cut: FaultOutcome = {
  ...good,
  expected: failed(/stopped/, 1, { isCancelled: true }),
  answers: [{ content: "", error: "it stopped" }],
  exchanges: [{ isOver: false, cancelledMs: 900 }],
};

describe("the judge of provider faults", () => {
  test("[RUN8] finds nothing where nothing is wrong", () => {
    expect(judgeModelFault(good, 0)).toEqual([]);
    expect(judgeModelFault(cut, 0)).toEqual([]);
  });

  const CASES: [what: string, outcome: FaultOutcome, expected: FaultCount[]][] = [
    ["no answer", { ...good, answers: [], ms: undefined }, ["unanswered"]],
    ["an answer that is not in the log", { ...good, answers: [] }, ["unanswered"]],
    ["two answers", { ...good, answers: [...good.answers, ...good.answers] }, ["answeredTwice"]],
    ["an answer beyond its bound", { ...good, ms: 1251 }, ["late"]],
    [
      "a failure where none should be",
      { ...good, answers: [{ content: answerTo(ASKED), error: "x" }] },
      ["wrongError"],
    ],
    ["no failure where one should be", { ...cut, answers: [{ content: "", error: null }] }, ["wrongError"]],
    ["another failure", { ...cut, answers: [{ content: "", error: "oh" }] }, ["wrongError"]],
    ["another text", { ...good, answers: [{ content: "x", error: null }] }, ["wrongText"]],
    ["a failure with text", { ...cut, answers: [{ content: "x", error: "stopped" }] }, ["wrongText"]],
    ["one try too many", { ...good, exchanges: [...good.exchanges, ...good.exchanges] }, ["wrongTries"]],
    ["a wait that was too short", { ...good, expected: answered(1, { atLeastMs: 150 }) }, ["wrongTries"]],
    [
      "a tool result that is missing",
      { ...good, expected: answered(1, { toolResults: { all: 1, failed: 1 } }) },
      ["wrongTools"],
    ],
    [
      "a request that is left open",
      { ...cut, exchanges: [{ isOver: false, cancelledMs: undefined }] },
      ["notCancelled"],
    ],
    ["a request that is ended late", { ...cut, exchanges: [{ isOver: false, cancelledMs: 1001 }] }, ["notCancelled"]],
    ["a request that is ended", { ...good, exchanges: [{ isOver: false, cancelledMs: -5 }] }, ["wronglyCancelled"]],
    ["a flood of deltas", { ...good, deltas: { count: 200, firstAt: 0, lastAt: 1000 } }, ["tooManyDeltas"]],
  ];

  test.each(CASES)("[RUN7] [RUN8] counts %s (P16)", (_what, outcome, expected) => {
    expect(judgeModelFault(outcome, 0).map(([count]) => count)).toEqual(expected);
  });

  const MIB = 1024 * 1024;
  const span = (before: number, most: number) => ({ name: "x", before: before * MIB, most: most * MIB });
  test("[RUN8] counts memory that one answer needs, or that adds up (P16)", () => {
    expect(judgeMemory([])).toMatchObject({ bloated: 0, grownMiB: 0 });
    expect(judgeMemory([span(100, 149), span(110, 200), span(140, 150)])).toMatchObject({ bloated: 0, grownMiB: 49 });
    expect(judgeMemory([span(100, 151)])).toMatchObject({ bloated: 1, grownMiB: 51 });
    const spans = (heldAt: (index: number) => number) =>
      Array.from({ length: 30 }, (_, index) => span(100 + heldAt(index), 140 + heldAt(index)));
    expect(judgeMemory(spans((index) => 6 * index))).toMatchObject({ bloated: 1, grownMiB: 40, laterGrownMiB: 60 });
    expect(judgeMemory(spans((index) => Math.min(200, 20 * index)))).toMatchObject({ bloated: 0, laterGrownMiB: 0 });
  });

  test("[RUN8] the memory of a process group is read where the system tells it (P16)", () => {
    if (process.platform !== "linux") {
      expect(readGroupMemory(process.pid)).toBeUndefined();
      return;
    }
    const [, group] = /\) \S+ \d+ (\d+)/.exec(readFileSync("/proc/self/stat", "utf8")) ?? [];
    expect(readGroupMemory(Number(group))).toBeGreaterThan(20 * MIB);
    expect(readGroupMemory(2 ** 30)).toBeUndefined();
  });
});

const MUTATIONS: [mutation: string, caughtAs: string][] = [
  ["asks no model", "wrongTries"],
  ["dies", "died"],
  ["never answers", "unanswered"],
  ["answers twice", "answeredTwice"],
  ["repeats a piece", "textsBroken"],
  ["tells its key", "leaks"],
];

describe.concurrent("provider faults against servers with one planted bug each", () => {
  test.each(MUTATIONS)(
    "[RUN2] [RUN8] a server that %s is caught: %s (P16)",
    { timeout: CATCH_LIMIT_MS },
    async (mutation, caughtAs) => {
      const program = join(import.meta.dirname, "mutant-agent.ts");
      const command = `"${process.execPath}" "${program}" {port} "{workspace}" "${mutation}"`;
      const caught = await catchPlanted(caughtAs, async (seed) =>
        broken((await runModelFaults({ command, seed, times: 1, only: "L08" }, silently)).verdict),
      );
      expect(caught).toContain(caughtAs);
    },
  );
});
