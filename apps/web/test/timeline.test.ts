import type { BotEvent, DeltaEvent, InboundEvent, OutboundEvent } from "@my-bot/protocol";
import { describe, expect, test } from "vitest";
import { applyEvents, emptyTimeline, hasOpenRun, type Timeline, unconfirmed } from "../bot/timeline.ts";

const base = { session_id: "s1", run_id: "r1", timestamp: 1 };

function inbound(changes: Partial<InboundEvent> = {}): InboundEvent {
  return {
    ...base,
    type: "InboundEvent",
    source: "platform-ws:web",
    content: "Hello",
    retry_count: 0,
    message_id: "m1",
    agent_id: "pickle",
    ...changes,
  };
}

function outbound(changes: Partial<OutboundEvent> = {}): OutboundEvent {
  return { ...base, type: "OutboundEvent", source: "agent:pickle", content: "Meow", error: null, ...changes };
}

function delta(offset: number, content: string, turn = 0): DeltaEvent {
  return { type: "DeltaEvent", session_id: "s1", run_id: "r1", turn, offset, content };
}

const started: BotEvent = { ...base, type: "RunStartedEvent", agent_id: "pickle" };
const synced: BotEvent = { type: "SyncedEvent" };
const call = { ...base, type: "ToolCallEvent", turn: 0, name: "read", arguments: "{}" } as const;
const result = { ...base, type: "ToolResultEvent", turn: 0, name: "read", is_error: false } as const;

function ended(status: "completed" | "failed" | "aborted"): BotEvent {
  return { ...base, type: "RunEndedEvent", status, usage: null };
}

test("[WEB6] [LLM6] an ended run tells what it used, whichever of its last two events comes first", () => {
  const account = { usage: { input_tokens: 5, output_tokens: 7 }, cost: 0.25, currency: "USD" };
  const priced: BotEvent = { ...base, type: "RunEndedEvent", status: "completed", ...account };
  const timeline = play(inbound(), outbound(), priced);
  expect(timeline.runs[0]?.progress).toMatchObject({ state: "ended", account });
  expect(play(inbound(), priced, outbound())).toEqual(timeline);
});

function play(...events: BotEvent[]): Timeline {
  return applyEvents(emptyTimeline, events);
}

function texts(timeline: Timeline): string[] | undefined {
  return timeline.runs[0]?.turns.map(({ text }) => text);
}

const story: BotEvent[] = [
  inbound(),
  started,
  delta(0, "Let me "),
  delta(7, "look"),
  { ...call, tool_call_id: "a", content: "Let me look" },
  { ...call, tool_call_id: "b", content: "" },
  { ...result, tool_call_id: "b", content: "two" },
  { ...result, tool_call_id: "a", content: "one" },
  delta(0, "Me", 1),
  delta(2, "ow", 1),
  outbound(),
  ended("completed"),
  synced,
];

describe("replay", () => {
  test("[WEB6] the same events twice give the same state", () => {
    const once = play(...story);
    expect(applyEvents(once, story)).toEqual(once);
    expect(texts(once)).toEqual(["Let me look", "Meow"]);
    expect(once.runs[0]?.turns[0]?.tools.map(({ result }) => result?.content)).toEqual(["one", "two"]);
  });

  test("[WEB6] the durable events alone give the same state as the live ones", () => {
    expect(play(...story.filter(({ type }) => type !== "DeltaEvent"))).toEqual(play(...story));
  });

  test("[WEB6] any beginning, then all of it, gives the same state", () => {
    for (let length = 0; length < story.length; length++) {
      expect(play(...story.slice(0, length), ...story)).toEqual(play(...story));
    }
  });

  test("[WEB6] a gap starts afresh", () => {
    const gap: BotEvent = { type: "GapEvent", reason: "unknown_store" };
    expect(play(...story, gap)).toEqual(emptyTimeline);
  });
});

describe("deltas", () => {
  const open = [inbound(), started];

  test("[WEB6] append at the end of the text, start afresh at 0, truncate in between", () => {
    expect(texts(play(...open, delta(0, "ab"), delta(2, "cd")))).toEqual(["abcd"]);
    expect(texts(play(...open, delta(0, "ab"), delta(0, "xyz")))).toEqual(["xyz"]);
    expect(texts(play(...open, delta(0, "abcd"), delta(1, "X")))).toEqual(["aX"]);
  });

  test("[WEB6] beyond the end wait for the next one from 0", () => {
    expect(texts(play(...open, delta(0, "ab"), delta(5, "f"), delta(0, "abcdef")))).toEqual(["abcdef"]);
    expect(texts(play(...open, delta(0, "ab"), delta(5, "f")))).toEqual(["ab"]);
  });

  test("[WEB6] after the reply change nothing", () => {
    const done = play(...open, delta(0, "M"), outbound());
    expect(applyEvents(done, [delta(0, "late"), delta(4, "r")])).toEqual(done);
  });
});

describe("the end of a run", () => {
  test("[WEB6] a failed run shows its error, and no half text that a reload would not show", () => {
    const failed = play(
      inbound(),
      started,
      delta(0, "Half"),
      outbound({ content: "", error: "no key" }),
      ended("failed"),
    );
    expect(failed.runs[0]).toMatchObject({ turns: [], progress: { status: "failed", reply: { error: "no key" } } });
    expect(hasOpenRun(failed)).toBe(false);
  });

  test("[WEB6] a stopped run keeps its text once, also when it stopped among tools", () => {
    const tools: BotEvent[] = [inbound(), started, { ...call, tool_call_id: "a", content: "Let me look" }];
    const stopped = play(...tools, outbound({ content: "Let me look", error: "aborted" }), ended("aborted"));
    expect(texts(stopped)).toEqual(["Let me look"]);
    expect(stopped.runs[0]?.progress).toMatchObject({ state: "ended", status: "aborted" });
  });

  test("[WEB6] its order of OutboundEvent and RunEndedEvent does not matter", () => {
    const reply = outbound({ content: "part", error: "aborted" });
    expect(play(inbound(), reply, ended("aborted"))).toEqual(play(inbound(), ended("aborted"), reply));
  });
});

test("[WEB6] queued messages keep their places, each with its answer", () => {
  const second = inbound({ run_id: "r2", message_id: "m2", content: "And?" });
  const timeline = play(inbound(), second, started, outbound(), ended("completed"));
  expect(timeline.runs.map(({ message, progress }) => [message?.content, progress.state])).toEqual([
    ["Hello", "ended"],
    ["And?", "queued"],
  ]);
});

test("[WEB6] an optimistic message is replaced by its InboundEvent", () => {
  const local = [{ message_id: "m1" }, { message_id: "m2" }];
  expect(unconfirmed(play(started), local)).toEqual(local);
  expect(unconfirmed(play(inbound()), local)).toEqual([{ message_id: "m2" }]);
});

test("[WEB6] [EV6] what a call prints shows until its result is there, however often it is told", () => {
  const open: BotEvent[] = [inbound(), started, { ...call, tool_call_id: "a", content: "" }];
  const output = (offset: number, content: string): BotEvent => ({
    type: "ToolOutputEvent",
    session_id: "s1",
    run_id: "r1",
    turn: 0,
    tool_call_id: "a",
    offset,
    content,
  });
  const shown = (...events: BotEvent[]): string | undefined =>
    play(...open, ...events).runs[0]?.turns[0]?.tools[0]?.output;
  expect(shown(output(0, "one\n"), output(4, "two\n"), output(0, "one\ntwo\n"), output(99, "lost"))).toBe("one\ntwo\n");
  const ended: BotEvent = { ...result, tool_call_id: "a", content: "one\ntwo\n" };
  expect(play(...open, output(0, "one\n"), ended, output(4, "late"))).toEqual(play(...open, ended));
});

test("[WEB6] a deleted session has nothing left", () => {
  const deleted: BotEvent = {
    ...base,
    type: "SessionEvent",
    action: "deleted",
    source: "platform-ws:web",
    agent_id: "pickle",
    title: null,
  };
  expect(play(...story, deleted)).toEqual({ phase: "deleted", runs: [], start: null });
});

test("[WEB6] [EV5] [bug unfinished-text-before-tools] what a killed server had shown is taken back by a tool call without text (P17)", () => {
  const begun = [inbound(), started, delta(0, "An unfinished")];
  expect(texts(play(...begun, { ...call, tool_call_id: "a", content: "" }))).toEqual([""]);
  const first = { ...call, tool_call_id: "a", content: "I look" };
  const second = { ...call, tool_call_id: "b", content: "" };
  expect(texts(play(...begun, first, second, first))).toEqual(["I look"]);
});

test("[WEB6] [AGT2] a dispatch leads from its tool call to the child's session, however often it is told", () => {
  const dispatch: BotEvent = {
    type: "DispatchEvent",
    session_id: "s2",
    source: "agent:pickle",
    content: "Sort",
    timestamp: 1,
    parent_session_id: "s1",
    retry_count: 0,
    run_id: "r1",
    turn: 0,
    tool_call_id: "b",
    agent_id: "cookie",
    child_run_id: "r2",
  };
  const calls = ["a", "b"].map((id): BotEvent => ({ ...call, tool_call_id: id, content: "" }));
  const told: BotEvent[] = [
    inbound(),
    started,
    ...calls,
    dispatch,
    { ...result, tool_call_id: "b", content: "Sorted" },
  ];
  const timeline = play(...told, ...told);
  expect(timeline.runs.flatMap(({ turns }) => turns.flatMap(({ tools }) => tools))).toMatchObject([
    { child: null },
    { child: { session_id: "s2", agent_id: "cookie" }, result: { content: "Sorted" } },
  ]);
});

test("[WEB6] [CRON5] what was said unasked stands by itself, once", () => {
  const posted: BotEvent = {
    type: "PostedEvent",
    session_id: "s1",
    source: "agent:cookie",
    content: "Dinner!",
    timestamp: 1,
    error: null,
    run_id: "r1",
    turn: 0,
    tool_call_id: "a",
  };
  const { runs } = play(inbound(), posted, outbound(), posted);
  expect(runs.map(({ agent_id, message, turns }) => [agent_id, message?.content, turns[0]?.text])).toEqual([
    ["pickle", "Hello", "Meow"],
    ["cookie", undefined, "Dinner!"],
  ]);
  expect(hasOpenRun({ ...emptyTimeline, runs })).toBe(false);
});

test("[WEB6] [WEB10] what the agent sees begins at the newest `cleared` or `compacted`, however often they come", () => {
  const change = { type: "SessionEvent", session_id: "s1", source: "platform-ws:web", agent_id: "pickle", title: null };
  const at = (action: string, run_id: string, timestamp: number) =>
    ({ ...change, action, up_to: { run_id, turn: 0 }, timestamp }) as BotEvent;
  const events = [inbound(), at("compacted", "r1", 2), at("cleared", "r2", 3)];
  expect(play(...events).start).toEqual({ run_id: "r2", action: "cleared", timestamp: 3 });
  expect(play(...events, ...events)).toEqual(play(...events));
  expect(play(inbound(), { ...change, action: "renamed", timestamp: 4 } as BotEvent).start).toBeNull();
});

test("[WEB6] [EV7] thoughts show beside the answer while it runs, however often they are told", () => {
  const thought = (offset: number, content: string): BotEvent => ({
    type: "ReasoningEvent",
    session_id: "s1",
    run_id: "r1",
    turn: 0,
    offset,
    content,
  });
  const pieces = [thought(0, "one "), thought(4, "two"), thought(0, "one two"), thought(99, "lost")];
  expect(play(inbound(), started, ...pieces).runs[0]?.turns).toEqual([
    { turn: 0, text: "", reasoning: "one two", tools: [] },
  ]);
});
