import type { Asked } from "./faulty-model.ts";
import type { FaultyReply } from "./faulty-reply.ts";
import { heavyCases } from "./heavy-fault-cases.ts";
import {
  answered,
  type FaultTimes,
  failed,
  isEmpty,
  KEY,
  type ModelFaultCase,
  playWell,
  type Stage,
} from "./model-fault-case.ts";
import { answerTo } from "./scripted-model.ts";

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

/** L09 to L11. */
function refusalCases({ longWait }: FaultTimes): ModelFaultCase[] {
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();
  const limited = (retryAfter: () => string): Refusal => [429, () => ({ "retry-after": retryAfter() })];
  const twoSeconds = limited(() => "2");
  return [
    refused("L09-429", [429], 3, failed(/429/, 3)),
    refused("L09-429-once", [429], 1, answered(2)),
    refused("L09-wait-2", twoSeconds, 3, failed(/429/, 3, { atLeastMs: 4000, withinMs: 4000 })),
    refused("L09-wait-2-once", twoSeconds, 1, answered(2, { atLeastMs: 2000, withinMs: 2000 })),
    refused(
      "L09-wait-70",
      limited(() => "70"),
      1,
      failed(/429.*\b70 s/, 1),
    ),
    refused(
      "L09-wait-9999999",
      limited(() => "9999999"),
      1,
      failed(/429.*\b9999999 s/, 1),
    ),
    // a date has whole seconds
    refused(
      "L09-soon-once",
      limited(() => inSeconds(3)),
      1,
      answered(2, { atLeastMs: 1900, withinMs: 3000 }),
    ),
    refused(
      "L09-next-hour",
      limited(() => inSeconds(3600)),
      1,
      failed(/429.*\b3[56]\d\d s/, 1),
    ),
    {
      ...refused(
        "L09-long-wait-once",
        limited(() => String(longWait / 1000)),
        1,
        answered(2, { atLeastMs: longWait, withinMs: longWait }),
      ),
      agent: "patient",
    },
    refused("L10-500", [500], 5, failed(/500/, 3)),
    refused("L10-500-twice", [500], 2, answered(3)),
    ...[400, 401, 403, 404].map((status) => refused(`L11-${status}`, [status], 5, failed(new RegExp(`${status}`), 1))),
  ];
}

type Refusal = readonly [status: number, headers?: () => Record<string, string>];

/** Refuses so many requests, repeating the key as providers like to, then answers. */
function refused(
  name: string,
  [status, headers]: Refusal,
  times: number,
  expected: ModelFaultCase["expected"],
): ModelFaultCase {
  return {
    name,
    agent: "pickle",
    play: (reply, asked) =>
      reply.attempt > times ? playWell(reply, asked) : reply.fail(status, `refused ${KEY}`, headers?.()),
    expected,
  };
}

/** L14. */
function toolCases(): ModelFaultCase[] {
  const calls =
    (count: number, name: string, args: string): ModelFaultCase["play"] =>
    (reply, asked) => {
      if (asked.messages.at(-1)?.role === "tool") return playWell(reply, asked);
      for (let index = 0; index < count; index++) reply.toolCall(index, name, args);
      reply.finish("tool_calls");
    };
  const notes = JSON.stringify({ path: "notes.md" });
  const oneError = answered(2, { toolResults: { all: 1, failed: 1 } });
  return [
    { name: "L14-broken-json", agent: "pickle", play: calls(1, "read", '{"path":'), expected: oneError },
    { name: "L14-unknown-tool", agent: "pickle", play: calls(1, "no_such_tool", "{}"), expected: oneError },
    {
      name: "L14-50-calls",
      agent: "pickle",
      play: calls(50, "read", notes),
      expected: answered(2, { toolResults: { all: 50, failed: 0 }, withinMs: 10_000 }),
    },
    {
      name: "L14-endless",
      agent: "pickle",
      play: (reply) => {
        reply.toolCall(0, "read", notes);
        reply.finish("tool_calls");
      },
      expected: failed(/20 rounds/, 20, { toolResults: { all: 20, failed: 0 }, withinMs: 10_000 }),
    },
  ];
}

/** L16. */
function senderCases({ idle }: FaultTimes): ModelFaultCase[] {
  const stopped = failed(/stopped/i, 1, { isCancelled: true });
  const start = "half an ";
  return [
    {
      name: "L16-stop-before-headers",
      agent: "pickle",
      sender: "stops at request",
      play: ({ gone }) => hang(gone),
      expected: stopped,
    },
    {
      name: "L16-stop-mid-stream",
      agent: "pickle",
      sender: "stops at text",
      play: (reply) => {
        reply.text(start);
        return hang(reply.gone);
      },
      expected: { ...stopped, isText: (content) => content === start },
    },
    {
      name: "L16-stop-while-it-waits",
      agent: "pickle",
      sender: "stops at request",
      play: (reply) => reply.fail(429, "wait", { "retry-after": "30" }),
      expected: { ...stopped, isText: isEmpty, isCancelled: false },
    },
    {
      name: "L16-leave-mid-stream",
      agent: "pickle",
      sender: "leaves at text",
      play: async (reply, asked, stage) => {
        const [first = "", ...rest] = answerTo(asked.content).split(/(?<= )/);
        reply.text(first);
        await stage.senderLeft(asked.content);
        reply.text(...rest);
        reply.finish("stop");
      },
      expected: answered(1, { withinMs: idle + 1250 }),
    },
  ];
}

async function hang(gone: Promise<unknown>): Promise<void> {
  await gone;
}

function numberOf(content: string): number {
  return Number(/#(\d+)/.exec(content)?.[1] ?? 0);
}
