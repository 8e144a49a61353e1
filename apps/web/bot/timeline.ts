import type {
  ApprovalRequestedEvent,
  ApprovalResolvedEvent,
  BotEvent,
  DeltaEvent,
  DispatchEvent,
  InboundEvent,
  OutboundEvent,
  PostedEvent,
  ReasoningEvent,
  RunEndedEvent,
  SessionEvent,
  ToolCallEvent,
  ToolOutputEvent,
  ToolResultEvent,
} from "@my-bot/protocol";

/** What a call waits for, or waited for. */
export interface Approval {
  readonly request: ApprovalRequestedEvent;
  readonly resolution: ApprovalResolvedEvent | null;
}

export interface ToolUse {
  readonly call: Pick<ToolCallEvent, "tool_call_id" | "name" | "arguments">;
  readonly result: Pick<ToolResultEvent, "content" | "is_error"> | null;
  /** What it has printed so far; the result replaces it. */
  readonly output: string;
  readonly approval: Approval | null; // null: it needed none
  /** Whom the task was given to, and in which session; null for any other tool. */
  readonly child: Pick<DispatchEvent, "session_id" | "agent_id" | "child_run_id"> | null;
}

/** One call of the model: what it said, then the tools it used. */
export interface Turn {
  readonly turn: number;
  readonly text: string;
  /** What the model thought, while it runs and its provider tells. */
  readonly reasoning?: string;
  readonly tools: readonly ToolUse[];
}

/** A message with its answer. */
export interface Run {
  readonly run_id: string;
  readonly agent_id: string | null;
  readonly message: InboundEvent | null; // null while only later events of the run have been seen
  readonly turns: readonly Turn[];
  readonly progress: RunProgress;
}

export type RunProgress =
  | { readonly state: "queued" }
  | { readonly state: "running" }
  | {
      readonly state: "ended";
      readonly status: RunEndedEvent["status"];
      readonly reply: OutboundEvent | null;
      readonly account: Account | null; // null while the end of the run has not been seen
    };

/** What a run has used, and what that cost. */
export type Account = Pick<RunEndedEvent, "usage" | "cost" | "currency">;

/** One session as its events tell it. Every event may come again: none is counted twice. */
export interface Timeline {
  readonly phase: "loading" | "live" | "deleted";
  readonly runs: readonly Run[]; // in the order of their messages
  /** Before which run the agent sees nothing, or a summary; null: it sees all. */
  readonly start: {
    readonly run_id: string;
    readonly action: SessionEvent["action"];
    readonly timestamp: number;
  } | null;
}

export const emptyTimeline: Timeline = { phase: "loading", runs: [], start: null };

export function applyEvents(timeline: Timeline, events: readonly BotEvent[]): Timeline {
  return events.reduce(applyEvent, timeline);
}

export function applyEvent(timeline: Timeline, event: BotEvent): Timeline {
  switch (event.type) {
    case "InboundEvent":
      return changeRun(timeline, event.run_id, (run) =>
        run.message ? run : { ...run, agent_id: event.agent_id, message: event },
      );
    case "RunStartedEvent":
      return changeRun(timeline, event.run_id, (run) => startRun({ ...run, agent_id: event.agent_id }));
    case "DeltaEvent":
      return changeRun(timeline, event.run_id, (run) => applyDelta(run, event));
    case "ReasoningEvent":
      return changeRun(timeline, event.run_id, (run) => applyReasoning(run, event));
    case "ToolCallEvent":
      return changeRun(timeline, event.run_id, (run) => applyToolCall(startRun(run), event));
    case "ToolOutputEvent":
      return changeRun(timeline, event.run_id, (run) => applyToolOutput(run, event));
    case "ToolResultEvent":
      return changeRun(timeline, event.run_id, (run) => applyToolResult(run, event));
    case "DispatchEvent":
      return changeRun(timeline, event.run_id, (run) => applyDispatch(run, event));
    case "DispatchResultEvent":
      return timeline; // the tool's result tells it
    case "ApprovalRequestedEvent":
      return changeRun(timeline, event.run_id, (run) =>
        changeTool(run, event, (tool) => ({
          ...tool,
          approval: tool.approval ?? { request: event, resolution: null },
        })),
      );
    case "ApprovalResolvedEvent":
      return changeRun(timeline, event.run_id, (run) => applyResolution(run, event));
    case "PostedEvent":
      return changeRun(timeline, postId(event), (run) => showPost(run, event));
    case "OutboundEvent":
      return changeRun(timeline, event.run_id, (run) => applyReply(run, event));
    case "RunEndedEvent":
      return changeRun(timeline, event.run_id, (run) => endRun(run, event));
    case "SessionEvent":
      return applySessionEvent(timeline, event);
    case "SyncedEvent":
      return timeline.phase === "loading" ? { ...timeline, phase: "live" } : timeline;
    case "GapEvent":
      return emptyTimeline; // the log is told again from its beginning
  }
}

function applySessionEvent(timeline: Timeline, { action, up_to, timestamp }: SessionEvent): Timeline {
  if (action === "deleted") return { ...emptyTimeline, phase: "deleted" };
  if (up_to === undefined || timestamp < (timeline.start?.timestamp ?? 0)) return timeline;
  return { ...timeline, start: { run_id: up_to.run_id, action, timestamp } };
}

/** Messages of this page whose InboundEvent has not been seen: shown after the runs. */
export function unconfirmed<M extends { readonly message_id: string }>(
  timeline: Timeline,
  local: readonly M[],
): readonly M[] {
  const seen = new Set(timeline.runs.map((run) => run.message?.message_id));
  return local.filter((message) => !seen.has(message.message_id));
}

export function hasOpenRun(timeline: Timeline): boolean {
  return timeline.runs.some((run) => run.progress.state !== "ended");
}

/** Does a call wait for someone to allow it? */
export function hasOpenApproval(timeline: Timeline): boolean {
  return timeline.runs.some(
    ({ progress, turns }) =>
      progress.state === "running" &&
      turns.some(({ tools }) => tools.some(({ approval }) => approval !== null && approval.resolution === null)),
  );
}

function changeRun(timeline: Timeline, runId: string, change: (run: Run) => Run): Timeline {
  const index = timeline.runs.findLastIndex((run) => run.run_id === runId);
  const run = timeline.runs[index] ?? newRun(runId);
  const changed = change(run);
  if (changed === run && index >= 0) return timeline;
  return { ...timeline, runs: index < 0 ? [...timeline.runs, changed] : timeline.runs.with(index, changed) };
}

function newRun(runId: string): Run {
  return { run_id: runId, agent_id: null, message: null, turns: [], progress: { state: "queued" } };
}

/** What was said unasked stands by itself, like an answer without a question. */
function showPost(run: Run, { source, content }: PostedEvent): Run {
  return {
    ...run,
    agent_id: source.replace(/^agent:/, ""),
    turns: [{ turn: 0, text: content, tools: [] }],
    progress: { state: "ended", status: "completed", reply: null, account: null },
  };
}

function postId({ run_id, turn, tool_call_id }: PostedEvent): string {
  return `post ${run_id} ${turn} ${tool_call_id}`;
}

function startRun(run: Run): Run {
  return run.progress.state === "queued" ? { ...run, progress: { state: "running" } } : run;
}

function endRun(run: Run, { status, usage, cost, currency }: RunEndedEvent): Run {
  const reply = run.progress.state === "ended" ? run.progress.reply : null;
  const account: Account = { usage, cost, currency };
  return { ...run, progress: { state: "ended", status, reply, account } };
}

function changeTurn(run: Run, number: number, change: (turn: Turn) => Turn): Run {
  const index = run.turns.findIndex(({ turn }) => turn === number);
  const found = run.turns[index];
  if (found) return { ...run, turns: run.turns.with(index, change(found)) };
  const turns = [...run.turns, change({ turn: number, text: "", tools: [] })];
  return { ...run, turns: turns.sort((a, b) => a.turn - b.turn) };
}

function applyDelta(run: Run, { turn: number, offset, content }: DeltaEvent): Run {
  if (run.progress.state === "ended") return run; // what was said is in the reply
  return changeTurn(startRun(run), number, (turn) =>
    offset > turn.text.length ? turn : { ...turn, text: turn.text.slice(0, offset) + content },
  );
}

function applyReasoning(run: Run, { turn: number, offset, content }: ReasoningEvent): Run {
  if (run.progress.state === "ended") return run;
  return changeTurn(startRun(run), number, (turn) => {
    const { reasoning = "" } = turn;
    return offset > reasoning.length ? turn : { ...turn, reasoning: reasoning.slice(0, offset) + content };
  });
}

function applyToolCall(run: Run, event: ToolCallEvent): Run {
  return changeTurn(run, event.turn, (turn) => ({
    ...turn,
    text: turn.tools.length === 0 ? event.content : turn.text, // the log's, also where it takes back an unfinished text
    tools: turn.tools.some(({ call }) => call.tool_call_id === event.tool_call_id)
      ? turn.tools
      : [...turn.tools, { call: event, result: null, output: "", approval: null, child: null }],
  }));
}

function applyToolOutput(run: Run, event: ToolOutputEvent): Run {
  const { offset, content } = event;
  return changeTool(run, event, (tool) =>
    tool.result || offset > tool.output.length ? tool : { ...tool, output: tool.output.slice(0, offset) + content },
  );
}

function applyToolResult(run: Run, event: ToolResultEvent): Run {
  return changeTool(run, event, (tool) => ({ ...tool, result: event, output: "" }));
}

function applyDispatch(run: Run, event: DispatchEvent): Run {
  return changeTool(run, event, (tool) => ({ ...tool, child: event }));
}

/** Its request comes before it. */
function applyResolution(run: Run, event: ApprovalResolvedEvent): Run {
  return changeTool(run, event, (tool) => ({
    ...tool,
    approval: tool.approval && { ...tool.approval, resolution: event },
  }));
}

function changeTool(
  run: Run,
  { turn: number, tool_call_id: id }: Pick<ToolCallEvent, "turn" | "tool_call_id">,
  change: (tool: ToolUse) => ToolUse,
): Run {
  return changeTurn(run, number, (turn) => ({
    ...turn,
    tools: turn.tools.map((tool) => (tool.call.tool_call_id === id ? change(tool) : tool)),
  }));
}

function applyReply(run: Run, reply: OutboundEvent): Run {
  const before = run.progress.state === "ended" ? run.progress : undefined;
  const status = before?.status ?? (reply.error === null ? "completed" : "failed");
  return {
    ...run,
    turns: replaceLastText(run.turns, reply.content),
    progress: { state: "ended", status, reply, account: before?.account ?? null },
  };
}

/** The reply is the text of the turn after the last tools; a stopped run repeats there what it had said before them. */
function replaceLastText(turns: readonly Turn[], text: string): readonly Turn[] {
  const last = turns.at(-1);
  const settled = last?.tools.length === 0 ? turns.slice(0, -1) : turns;
  const before = settled.at(-1);
  if (text === "" || text === before?.text) return settled;
  return [...settled, { turn: (before?.turn ?? -1) + 1, text, tools: [] }];
}
