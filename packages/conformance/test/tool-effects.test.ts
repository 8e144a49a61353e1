import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeToolEffects, type ObservedEffects } from "../src/tool-effects/judge-tool-effects.ts";
import { runToolEffects } from "../src/tool-effects/tool-effects.ts";

const ROOT = join(import.meta.dirname, "../../..");
const COMMAND = `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`;

test("[RUN4] [TOOL3] a call that changes something is made once at most, though the server is killed around it (P18)", async () => {
  const { verdict, facts } = await runToolEffects({ command: COMMAND, kills: 10, seed: 20_264 }, () => undefined);
  expect(Object.entries(verdict).filter(([, count]) => count > 0)).toEqual([]);
  expect(facts.messages).toBe(40);
  expect(facts.interrupted).toBeGreaterThan(3);
  expect(facts.effects).toBeGreaterThan(3);
}, 180_000);

const inbound = { type: "InboundEvent", content: "a", run_id: "r" } as const;
const call = { type: "ToolCallEvent", run_id: "r" } as const;
const unknown = { type: "ToolResultEvent", run_id: "r", content: "The outcome is unknown.", is_error: true } as const;
const done = { type: "ToolResultEvent", run_id: "r", content: "", is_error: false } as const;
const answer = { type: "OutboundEvent", run_id: "r" } as const;

function brokenCounts(observed: Partial<ObservedEffects>): string[] {
  const told = new Map([["a", [""]]]);
  const right = { sent: ["a"], told, effects: ["a"], events: [inbound, call, done, answer] };
  const { verdict } = judgeToolEffects({ ...right, ...observed });
  return Object.keys(verdict).filter((name) => verdict[name] !== 0);
}

describe("the judge of tool calls", () => {
  test("[RUN4] finds nothing where nothing is wrong (P18)", () => {
    const told = new Map([["a", ["Its outcome is unknown"]]]);
    expect(brokenCounts({})).toEqual([]);
    expect(brokenCounts({ told, events: [inbound, call, unknown, answer] })).toEqual([]);
    expect(brokenCounts({ told, effects: [], events: [inbound, call, unknown, answer] })).toEqual([]);
  });

  test.each<[what: string, observed: Partial<ObservedEffects>, count: string]>([
    ["an effect twice", { effects: ["a", "a"], events: [inbound, call, call, done, done, answer] }, "doubleEffects"],
    ["a result without its effect", { effects: [] }, "lostEffects"],
    ["an effect that no event announced", { events: [inbound, answer] }, "effectsWithoutIntent"],
    ["a call without a result", { events: [inbound, call, answer] }, "lostResults"],
    ["an interrupted call that the model was not told of", { events: [inbound, call, unknown, answer] }, "unreported"],
    ["no answer", { events: [inbound, call, done] }, "neverAnswered"],
    ["two answers", { events: [inbound, call, done, answer, answer] }, "answeredTwice"],
  ])("[RUN4] counts %s (P18)", (_what, observed, count) => {
    expect(brokenCounts(observed)).toContain(count);
  });
});
