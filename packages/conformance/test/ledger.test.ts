import { describe, expect, test } from "vitest";
import { judge, type LoggedEvent, type Observations, type SentMessage, type Verdict } from "../src/ledger/ledger.ts";

const sent = (n: number, cursors: string[] = [`c${2 * n - 1}`]): SentMessage => ({
  messageId: `m${n}`,
  sender: "s",
  source: "a",
  content: `hi ${n}`,
  ackCursors: new Set(cursors),
});
const inbound = (n: number, cursor = `c${2 * n - 1}`): LoggedEvent => ({
  cursor,
  type: "InboundEvent",
  digest: `in${n}`,
  messageId: `m${n}`,
  runId: `r${n}`,
  content: `hi ${n}`,
});
const outbound = (n: number, cursor = `c${2 * n}`): LoggedEvent => ({
  cursor,
  type: "OutboundEvent",
  digest: `out${n}`,
  runId: `r${n}`,
  content: `re: hi ${n}`,
  error: null,
});

const log = [inbound(1), outbound(1), inbound(2), outbound(2)] as const;

function observe(changes: Partial<Observations>): Observations {
  return {
    sent: [sent(1), sent(2)],
    subscribers: [
      { name: "one", seen: changes.log ?? log },
      { name: "two", seen: changes.log ?? log },
    ],
    log,
    answerTo: (content) => `re: ${content}`,
    failedStarts: 0,
    termNotClean: 0,
    textsBroken: 0,
    ...changes,
  };
}

function brokenCounts(changes: Partial<Observations>): Partial<Verdict> {
  return Object.fromEntries(Object.entries(judge(observe(changes))).filter(([, count]) => count > 0));
}

const seenBy = (...seen: LoggedEvent[]): Observations["subscribers"] => [{ name: "one", seen }];
const [in1, out1, in2, out2] = log;

describe("the ledger", () => {
  test("[BUS4] finds nothing where nothing is wrong", () => {
    expect(brokenCounts({})).toEqual({});
  });

  const CASES: [what: string, observed: Partial<Observations>, expected: Partial<Verdict>][] = [
    ["a lost message", { sent: [sent(1), sent(2), sent(3)] }, { lostAcked: 1 }],
    ["another content under the acknowledged id", { sent: [{ ...sent(1), content: "no" }, sent(2)] }, { lostAcked: 1 }],
    ["a message without acknowledgement", { sent: [sent(1), sent(2, [])] }, { stillUnacked: 1 }],
    ["two acknowledgements that differ", { sent: [sent(1, ["c1", "c2"]), sent(2)] }, { idReused: 1, lostAcked: 1 }],
    [
      "a message twice",
      { log: [...log, { ...inbound(1, "c5"), runId: "r5" }, { ...outbound(1, "c6"), runId: "r5" }] },
      { doubled: 1 },
    ],
    ["two answers", { log: [...log, outbound(2, "c5")] }, { answeredTwice: 1 }],
    ["no answer", { log: [in1, out1, in2] }, { neverAnswered: 1 }],
    ["a wrong answer", { log: [in1, out1, in2, { ...out2, content: "re: hi 1" }] }, { wronglyAnswered: 1 }],
    ["an answer that is an error", { log: [in1, out1, in2, { ...out2, error: "oh" }] }, { wronglyAnswered: 1 }],
    ["a ghost", { subscribers: seenBy(...log, outbound(3)) }, { ghosts: 1 }],
    [
      "an id that another event has now",
      { subscribers: seenBy(in1, { ...out1, digest: "x" }, out1, in2, out2) },
      { ghosts: 1, idReused: 1 },
    ],
    ["a gap", { subscribers: seenBy(in1, out1, out2) }, { subGaps: 1 }],
    ["a repetition", { subscribers: seenBy(in1, in1, out1, in2, out2) }, { subDoubles: 1 }],
    ["disorder", { subscribers: seenBy(in1, in2, out1, out2) }, { subDisorder: 1 }],
    [
      "two orders",
      { subscribers: [...seenBy(in1, in2, out1, out2), ...seenBy(...log)] },
      { subDisorder: 1, orderBroken: 1 },
    ],
    ["messages that overtook each other", { sent: [sent(2), sent(1)] }, { senderDisorder: 1 }],
    ["what others counted", { failedStarts: 1, termNotClean: 2 }, { failedStarts: 1, termNotClean: 2 }],
  ];

  test.each(CASES)("[BUS4] [RUN2] counts %s", (_what, observed, expected) => {
    expect(brokenCounts(observed)).toEqual(expected);
  });
});
