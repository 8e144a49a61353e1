import type { RunReport } from "../ledger/run-report.ts";
import { text, type WireEvent } from "../wire/wire-event.ts";

export interface ObservedEffects {
  /** Contents of the messages, each of which asks for one effect. */
  readonly sent: readonly string[];
  /** What the model was told of the outcome, by content of the message. */
  readonly told: ReadonlyMap<string, readonly string[]>;
  /** What the calls have left, in order: contents. */
  readonly effects: readonly string[];
  /** The whole log. */
  readonly events: readonly WireEvent[];
}

const UNKNOWN = /outcome is unknown/i;

/** Decides, from what was seen alone, whether a call was made twice, lost, or kept from the model. */
export function judgeToolEffects({ sent, told, effects, events }: ObservedEffects): RunReport {
  const runs = new Map(
    events.filter(({ type }) => type === "InboundEvent").map((event) => [text(event.content), event.run_id]),
  );
  const ofRun = (type: string, content: string): readonly WireEvent[] =>
    events.filter((event) => event.type === type && event.run_id === runs.get(content) && runs.has(content));
  const cases = sent.map((content) => ({
    calls: ofRun("ToolCallEvent", content),
    results: ofRun("ToolResultEvent", content),
    answers: ofRun("OutboundEvent", content).length,
    effects: effects.filter((effect) => effect === content).length,
    told: told.get(content) ?? [],
  }));
  const count = (isBroken: (one: (typeof cases)[number]) => boolean): number => cases.filter(isBroken).length;
  const isInterrupted = ({ results }: (typeof cases)[number]): boolean =>
    results.some(({ content }) => UNKNOWN.test(text(content) ?? ""));
  const isDone = ({ results }: (typeof cases)[number]): boolean => results.some(({ is_error }) => is_error === false);
  return {
    verdict: {
      doubleEffects: count((one) => one.effects > 1),
      lostEffects: count((one) => isDone(one) && one.effects === 0),
      effectsWithoutIntent: count(({ calls, effects: made }) => made > calls.length),
      lostResults: count(({ calls, results }) => calls.length !== results.length),
      unreported: count((one) => isInterrupted(one) && !one.told.some((outcome) => UNKNOWN.test(outcome))),
      neverAnswered: count(({ answers }) => answers === 0),
      answeredTwice: count(({ answers }) => answers > 1),
    },
    facts: {
      messages: sent.length,
      calls: cases.reduce((sum, { calls }) => sum + calls.length, 0),
      interrupted: count(isInterrupted),
      interruptedAfterTheEffect: count((one) => isInterrupted(one) && one.effects === 1),
      effects: effects.length,
    },
  };
}
