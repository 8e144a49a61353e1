import type { Expected } from "./model-fault-case.ts";

/** What came of one message to a model that misbehaved. */
export interface FaultOutcome {
  readonly asked: string;
  readonly expected: Expected;
  /** The OutboundEvents of its run in the log. */
  readonly answers: readonly { readonly content: string; readonly error: string | null }[];
  /** From the receipt to the first answer; undefined: none came. */
  readonly ms: number | undefined;
  /** The requests to the model, in order. */
  readonly exchanges: readonly {
    readonly isOver: boolean;
    /** Milliseconds from the stop, or else from the answer, to the server's leaving; negative when it left before. */
    readonly cancelledMs: number | undefined;
  }[];
  readonly toolResults: readonly { readonly isError: boolean }[];
  readonly deltas: { readonly count: number; readonly firstAt: number; readonly lastAt: number };
}

export const FAULT_COUNTS = [
  "unanswered",
  "answeredTwice",
  "late",
  "wrongError",
  "wrongText",
  "wrongTries",
  "wrongTools",
  "notCancelled",
  "wronglyCancelled",
  "tooManyDeltas",
] as const;
export type FaultCount = (typeof FAULT_COUNTS)[number];

const CANCEL_LIMIT_MS = 1000;
const DELTAS_PER_SECOND = 60;
const TIMER_MS = 20; // by so much a timer may be early, as clocks tell it

/** Which promises were broken, each with what was seen instead. `slackMs` is for a slow machine, beside every bound. */
export function judgeModelFault(outcome: FaultOutcome, slackMs: number): [FaultCount, string][] {
  const { answers, ms } = outcome;
  const [answer] = answers;
  if (answer === undefined || ms === undefined) return [["unanswered", "no OutboundEvent"]];
  const found: [FaultCount, string][] = [];
  if (answers.length > 1) found.push(["answeredTwice", `${answers.length} OutboundEvents`]);
  return [...found, ...judgeAnswer(outcome, answer), ...judgeTime(outcome, ms, slackMs), ...judgeRequests(outcome)];
}

function judgeAnswer(
  { asked, expected }: FaultOutcome,
  answer: FaultOutcome["answers"][number],
): [FaultCount, string][] {
  const { error, isText } = expected;
  const found: [FaultCount, string][] = [];
  const isRight = error === null ? answer.error === null : answer.error !== null && error.test(answer.error);
  if (!isRight) found.push(["wrongError", `${answer.error}, expected ${error}`]);
  if (!isText(answer.content, asked)) found.push(["wrongText", answer.content.slice(0, 100)]);
  return found;
}

function judgeTime({ expected, deltas }: FaultOutcome, ms: number, slackMs: number): [FaultCount, string][] {
  const found: [FaultCount, string][] = [];
  if (ms > expected.withinMs + slackMs) found.push(["late", `${Math.round(ms)} ms, bound ${expected.withinMs}`]);
  if (ms < (expected.atLeastMs ?? 0) - TIMER_MS) found.push(["wrongTries", `gave up after ${Math.round(ms)} ms`]);
  const seconds = (deltas.lastAt - deltas.firstAt) / 1000;
  if (deltas.count > DELTAS_PER_SECOND * (seconds + 1)) {
    found.push(["tooManyDeltas", `${deltas.count} in ${seconds.toFixed(2)} s`]);
  }
  return found;
}

function judgeRequests({ expected, exchanges, toolResults }: FaultOutcome): [FaultCount, string][] {
  const found: [FaultCount, string][] = [];
  const { tries, isCancelled, toolResults: tools = { all: 0, failed: 0 } } = expected;
  if (tries !== null && exchanges.length !== tries) {
    found.push(["wrongTries", `${exchanges.length} requests, expected ${tries}`]);
  }
  const results = { all: toolResults.length, failed: toolResults.filter(({ isError }) => isError).length };
  if (results.all !== tools.all || results.failed !== tools.failed) {
    found.push(["wrongTools", `${results.all} results, ${results.failed} of them errors`]);
  }
  const isLeftOpen = exchanges.some(({ isOver, cancelledMs }) => !isOver && !isInTime(cancelledMs));
  if (isLeftOpen || (isCancelled && !isInTime(exchanges.at(-1)?.cancelledMs))) {
    found.push(["notCancelled", `requests left after ${exchanges.map(({ cancelledMs }) => cancelledMs)} ms`]);
  }
  if (!isCancelled && exchanges.at(-1)?.cancelledMs !== undefined) found.push(["wronglyCancelled", "the last request"]);
  return found;
}

function isInTime(cancelledMs: number | undefined): boolean {
  return cancelledMs !== undefined && cancelledMs <= CANCEL_LIMIT_MS;
}
