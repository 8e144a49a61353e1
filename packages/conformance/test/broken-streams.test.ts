import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runBrokenStreams } from "../src/broken-streams/broken-streams.ts";
import {
  type BrokenStream,
  type BrokenStreamsVerdict,
  judgeBrokenStreams,
} from "../src/broken-streams/judge-broken-streams.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

const ROOT = join(import.meta.dirname, "../../..");

function broken(verdict: Readonly<Record<string, number>>): string[] {
  return Object.keys(verdict).filter((name) => verdict[name] !== 0);
}

test("[EV5] [RUN3] [RUN8] [BUS5] readers of an answer that a kill -9 or the provider cut short see it begin afresh, unmixed (P17)", async () => {
  const { verdict, facts } = await runBrokenStreams(
    {
      command: `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`,
      seed: 3,
      kills: 4,
      drops: 20,
    },
    () => undefined,
  );
  expect(broken(verdict)).toEqual([]);
  expect(facts.textsCompared).toBe(2 * (4 * 3 + 20));
  expect(facts.cutAnswers).toBeGreaterThan(20);
  expect(facts.shownAfresh).toBeGreaterThan(20);
}, 240_000);

const good: BrokenStream = {
  answers: [{ content: "t2w0 t2w1 ", error: null }],
  tries: [
    { text: "t1w0 ", isWhole: false },
    { text: "t2w0 t2w1 ", isWhole: true },
  ],
  expectedTries: 2,
};
const [answer] = good.answers;

describe("the judge of broken streams", () => {
  const readers = [{ broken: 0, compared: 1 }];
  test("[EV5] finds nothing where nothing is wrong", () => {
    expect(broken(judgeBrokenStreams([good], readers))).toEqual([]);
  });

  const CASES: [what: string, stream: BrokenStream, caughtAs: keyof BrokenStreamsVerdict][] = [
    ["no answer", { ...good, answers: [] }, "unanswered"],
    ["two answers", { ...good, answers: [...good.answers, ...good.answers] }, "answeredTwice"],
    ["a failure", { ...good, answers: [{ content: "", error: "no" }] }, "wrongError"],
    ["a text of two tries", { ...good, answers: [{ content: "t1w0 t2w0 t2w1 ", error: null }] }, "mixedTexts"],
    ["a text that was cut short", { ...good, answers: [{ content: "t1w0 ", error: null }] }, "mixedTexts"],
    ["no second try", { ...good, tries: [{ text: answer?.content ?? "", isWhole: true }] }, "wrongTries"],
  ];

  test.each(CASES)("[EV5] [RUN8] counts %s (P17)", (_what, stream, caughtAs) => {
    expect(broken(judgeBrokenStreams([stream], readers))).toEqual([caughtAs]);
  });

  test("[EV5] counts what readers were shown wrong, or not at all (P17)", () => {
    expect(broken(judgeBrokenStreams([good], [{ broken: 1, compared: 1 }]))).toEqual(["textsBroken"]);
    expect(broken(judgeBrokenStreams([good], [...readers, { broken: 0, compared: 0 }]))).toEqual(["neverShown"]);
  });
});

const MUTATIONS: [mutation: string, caughtAs: string][] = [
  ["asks no model", "mixedTexts"],
  ["forgets open runs", "unanswered"],
  ["answers twice", "answeredTwice"],
  ["repeats a piece of text", "textsBroken"],
  ["starts over a stale lock only at the second try", "failedStarts"],
];

describe.concurrent("broken streams against servers with one planted bug each", () => {
  test.each(MUTATIONS)(
    "[EV5] [RUN3] a server that %s is caught: %s (P17)",
    { timeout: CATCH_LIMIT_MS },
    async (mutation, caughtAs) => {
      const program = join(import.meta.dirname, "mutant-server.ts");
      const command = `"${process.execPath}" "${program}" {port} "{workspace}" "${mutation}"`;
      const sizes = { kills: 4, drops: 30, rawOnly: true, settleMs: 3000, reachMs: 20 };
      const caught = await catchPlanted(caughtAs, async (seed) =>
        broken((await runBrokenStreams({ command, seed, ...sizes }, () => undefined)).verdict),
      );
      expect(caught).toContain(caughtAs);
    },
  );
});
