import type { Asked } from "../model/faulty-model.ts";
import type { FaultyReply } from "../model/faulty-reply.ts";
import { answerTo } from "../model/scripted-model.ts";
import { heavyCases } from "./heavy-fault-cases.ts";
import {
  answered,
  type FaultTimes,
  failed,
  hang,
  KEY,
  type ModelFaultCase,
  playWell,
  type Stage,
} from "./model-fault-case.ts";
import { refusalCases } from "./refusal-fault-cases.ts";
import { senderCases, toolCases } from "./run-fault-cases.ts";

/** The faults L01 to L16 of a provider, each in the shapes that matter. */
export function modelFaultCases(times: FaultTimes): ModelFaultCase[] {
  return [
    ...unreachableCases(),
    ...silentCases(times),
    ...brokenStreamCases(),
    ...finishCases(),
    ...refusalCases(times),
    ...toolCases(),
    ...heavyCases(),
    ...senderCases(times),
  ];
}

/** L01. */
function unreachableCases(): ModelFaultCase[] {
  const expected = failed(/Cannot reach/i, null, { atLeastMs: 1200, withinMs: 30_000 }); // three tries take two pauses
  return [
    { name: "L01-refused", agent: "refused", play: playWell, expected },
    { name: "L01-no-such-name", agent: "nameless", play: playWell, expected },
  ];
}

/** L02, L03. */
function silentCases({ firstByte, idle }: FaultTimes): ModelFaultCase[] {
  const notBegun = failed(/did not start/, 3, {
    isCancelled: true,
    withinMs: 3 * firstByte + 1250,
    atLeastMs: 3 * firstByte,
  });
  return [
    { name: "L02-no-headers", agent: "pickle", play: ({ gone }) => hang(gone), expected: notBegun },
    {
      name: "L02-headers-only",
      agent: "pickle",
      play: (reply) => {
        reply.raw(": hello\n\n");
        return hang(reply.gone);
      },
      expected: notBegun,
    },
    {
      name: "L03-stall",
      agent: "pickle",
      play: (reply, { content }) => {
        reply.text(
          ...answerTo(content)
            .split("")
            .slice(0, 1 + (numberOf(content) % 7)),
        );
        return hang(reply.gone);
      },
      expected: failed(/stopped in the middle/, 1, { isCancelled: true, withinMs: idle, atLeastMs: idle }),
    },
  ];
}

type Break = readonly [
  name: string,
  error: RegExp,
  isCancelled: boolean,
  play: (reply: FaultyReply) => Promise<void> | void,
];

const BREAKS: readonly Break[] = [
  ["L04-reset", /broke off|ECONNRESET/, false, (reply) => reply.reset()],
  ["L05-end", /broke off/, false, (reply) => reply.end()],
  [
    "L05-done-only",
    /broke off/,
    false,
    (reply) => {
      reply.raw("data: [DONE]\n\n");
      reply.end();
    },
  ],
  [
    "L12-not-json",
    /broken JSON/,
    true,
    (reply) => {
      reply.raw("data: {not json\n\n");
      return hang(reply.gone);
    },
  ],
  [
    "L13-error-object",
    /overloaded/,
    false,
    (reply) => {
      reply.raw(`data:${JSON.stringify({ error: { message: `overloaded ${KEY}` } })}\n\n`);
      reply.end();
    },
  ],
];

/** L04, L05, L12, L13: before any text there are three tries, after some one more; and a good try makes it good. */
function brokenStreamCases(): ModelFaultCase[] {
  return BREAKS.flatMap(([name, error, isCancelled, breakOff]): ModelFaultCase[] => {
    const afterText = async (reply: FaultyReply, { content }: Asked, stage: Stage): Promise<void> => {
      const start = `try ${reply.attempt} of`;
      reply.text(start);
      await stage.shown(content, start);
      await breakOff(reply);
    };
    return [
      { name: `${name}-before-text`, agent: "pickle", play: breakOff, expected: failed(error, 3, { isCancelled }) },
      { name: `${name}-after-text`, agent: "pickle", play: afterText, expected: failed(error, 2, { isCancelled }) },
      {
        name: `${name}-once-before-text`,
        agent: "pickle",
        play: (reply, asked) => (reply.attempt === 1 ? breakOff(reply) : playWell(reply, asked)),
        expected: answered(2),
      },
      {
        name: `${name}-once-after-text`,
        agent: "pickle",
        play: (reply, asked, stage) => (reply.attempt === 1 ? afterText(reply, asked, stage) : playWell(reply, asked)),
        expected: answered(2),
      },
    ];
  });
}

/** L06 to L08. */
function finishCases(): ModelFaultCase[] {
  const finish =
    (reason: string): ModelFaultCase["play"] =>
    (reply, { content }) => {
      reply.text(answerTo(content));
      reply.finish(reason);
    };
  const isNoted = (content: string, asked: string): boolean =>
    content.startsWith(answerTo(asked)) && content.trim().length > answerTo(asked).length;
  return [
    { name: "L06-length", agent: "pickle", play: finish("length"), expected: answered(1, { isText: isNoted }) },
    {
      name: "L07-content-filter",
      agent: "pickle",
      play: finish("content_filter"),
      expected: failed(/content filter/i, 1),
    },
    { name: "L08-unknown-reason", agent: "pickle", play: finish("something_new"), expected: answered(1) },
  ];
}

function numberOf(content: string): number {
  return Number(/#(\d+)/.exec(content)?.[1] ?? 0);
}
