import type {
  ApprovalRequestedEvent,
  ApprovalResolvedEvent,
  ConversationStart,
  InboundEvent,
  OutboundEvent,
  PostedEvent,
  SessionEvent,
  ToolCallEvent,
  ToolResultEvent,
} from "@my-bot/protocol";
import type { EventBus, LogRecord } from "../bus/event-bus.ts";
import type { ModelMessage } from "./language-model.ts";

/** What the log holds of one run: all of it for an answered one, the part before a crash for an open one. */
export interface RunRecord {
  readonly inbound: InboundEvent;
  /** A command, or taken back before it began: the model does not see it. */
  readonly isHidden: boolean;
  /** What agents said in this session before it, unasked and from elsewhere. */
  readonly posts: readonly PostedEvent[];
  readonly calls: readonly ToolCallEvent[];
  readonly results: ReadonlyMap<string, ToolResultEvent>; // by callKey
  readonly requests: ReadonlyMap<string, LogRecord<ApprovalRequestedEvent>>; // by callKey, of calls that asked
  readonly decisions: ReadonlyMap<string, ApprovalResolvedEvent>; // by callKey, of those that were answered
  readonly outbound: OutboundEvent | undefined;
}

/** What the model sees of a session: runs by id, in the order of the questions. */
export interface Conversation {
  readonly runs: ReadonlyMap<string, RunRecord>;
  /** Where it was last cleared or compacted; undefined: it begins with the session. */
  readonly start: StartEvent | undefined;
}

export type StartEvent = SessionEvent & { readonly up_to: ConversationStart };

type MutableRun = { -readonly [Key in keyof RunRecord]: RunRecord[Key] } & {
  readonly calls: ToolCallEvent[];
  readonly results: Map<string, ToolResultEvent>;
  readonly requests: Map<string, LogRecord<ApprovalRequestedEvent>>;
  readonly decisions: Map<string, ApprovalResolvedEvent>;
};

const PAGE_EVENTS = 500;

/** Some providers use the same call ids again in every turn. */
export function callKey({ turn, tool_call_id }: Pick<ToolCallEvent, "turn" | "tool_call_id">): string {
  return `${turn} ${tool_call_id}`;
}

/** Reads backwards, and not further than the model sees: what was compacted costs nothing any more (SPEC CMP6). */
export function readConversation(bus: Pick<EventBus, "history">, sessionId: string): Conversation {
  let records: LogRecord[] = [];
  let before: string | undefined;
  let start: StartEvent | undefined;
  for (;;) {
    const older = bus.history({ sessionId, limit: PAGE_EVENTS, before });
    start ??= older.findLast(isStart)?.event;
    records = [...older, ...records];
    before = older[0]?.cursor;
    if (older.length < PAGE_EVENTS || (start && hasBegun(older, start))) return { runs: groupRuns(records), start };
  }
}

function isStart(record: LogRecord): record is LogRecord<StartEvent> {
  return record.event.type === "SessionEvent" && record.event.up_to !== undefined;
}

function hasBegun(records: readonly LogRecord[], { up_to }: StartEvent): boolean {
  return records.some(({ event }) => event.type === "InboundEvent" && event.run_id === up_to.run_id);
}

/** Groups a session's events by run, in the order of the questions: queued questions stand before earlier answers in the log. */
function groupRuns(records: Iterable<LogRecord>): ReadonlyMap<string, RunRecord> {
  const runs = new Map<string, MutableRun>();
  let posts: PostedEvent[] = [];
  for (const record of records) {
    const { event } = record;
    const run = "run_id" in event ? runs.get(event.run_id) : undefined;
    switch (event.type) {
      case "InboundEvent":
        runs.set(event.run_id, newRun(event, posts));
        posts = [];
        break;
      case "RunStartedEvent":
        if (run) run.isHidden = event.command !== undefined;
        break;
      case "PostedEvent":
        if (run === undefined) posts.push(event); // else its call tells it
        break;
      case "ToolCallEvent":
        run?.calls.push(event);
        break;
      case "ToolResultEvent":
        run?.results.set(callKey(event), event);
        break;
      case "ApprovalRequestedEvent":
        run?.requests.set(callKey(event), { ...record, event });
        break;
      case "ApprovalResolvedEvent":
        run?.decisions.set(callKey(event), event);
        break;
      case "OutboundEvent":
        if (run) run.outbound = event;
        break;
      case "RunEndedEvent":
      case "DispatchEvent":
      case "DispatchResultEvent":
      case "SessionEvent":
        break;
    }
  }
  return runs;
}

function newRun(inbound: InboundEvent, posts: readonly PostedEvent[]): MutableRun {
  const told = { calls: [], results: new Map(), requests: new Map(), decisions: new Map(), outbound: undefined };
  return { inbound, posts, isHidden: true, ...told };
}

/** Messages that stay together: a question, or what the model said next with all results of its calls. */
export interface Passage {
  /** What the model sees can begin here; undefined: the summary of what came before. */
  readonly at: ConversationStart | undefined;
  readonly isQuestion: boolean;
  readonly messages: readonly ModelMessage[];
}

/** The conversation up to and including `runId`, as the model sees it. */
export function toPassages({ runs, start }: Conversation, runId: string): Passage[] {
  const passages: Passage[] = start?.summary ? [summaryPassage(start.summary)] : [];
  const first = start?.up_to.run_id;
  const posts: PostedEvent[] = []; // since the last message that the model sees
  let isSeen = first === undefined || !runs.has(first);
  for (const run of runs.values()) {
    const { run_id } = run.inbound;
    isSeen ||= run_id === first;
    if (isSeen) posts.push(...run.posts);
    if (isSeen && !run.isHidden) {
      const fromTurn = run_id === first ? (start?.up_to.turn ?? 0) : 0;
      passages.push(...runPassages(run, { fromTurn, posts: posts.splice(0) }));
    }
    if (run_id === runId) break;
  }
  return passages;
}

function summaryPassage(summary: string): Passage {
  const content = `[Summary of our conversation so far]\n\n${summary}`;
  return { at: undefined, isQuestion: false, messages: [{ role: "user", content }] };
}

const NO_RESULT = "Interrupted: no result is known.";

/** Posts are no messages of their own: some providers insist that question and answer alternate. */
function question({ content }: InboundEvent, posts: readonly PostedEvent[]): string {
  if (posts.length === 0) return content;
  const said = posts.map((post) => post.content).join("\n\n");
  return `[Before this message you said, unasked:\n\n${said}]\n\n${content}`;
}

interface Part {
  /** Earlier ones are summarised. */
  readonly fromTurn: number;
  readonly posts: readonly PostedEvent[];
}

function runPassages({ inbound, calls, results, outbound }: RunRecord, { fromTurn, posts }: Part): Passage[] {
  const { run_id } = inbound;
  const passage = (turn: number, messages: readonly ModelMessage[], isQuestion = false): Passage => ({
    at: { run_id, turn },
    isQuestion,
    messages,
  });
  const seen = calls.filter(({ turn }) => turn >= fromTurn);
  const turns = Map.groupBy(seen, (call) => call.turn);
  const passages = [...turns].map(([turn, turnCalls]) => passage(turn, turnMessages(turnCalls, results)));
  const answer = outbound?.content ? [passage((calls.at(-1)?.turn ?? -1) + 1, [answerMessage(outbound)])] : [];
  const asked: ModelMessage = { role: "user", content: question(inbound, posts), images: inbound.attachments };
  return [passage(fromTurn, [asked], true), ...passages, ...answer];
}

function turnMessages(calls: readonly ToolCallEvent[], results: RunRecord["results"]): ModelMessage[] {
  return [
    {
      role: "assistant",
      content: calls.map((call) => call.content).join(""),
      tool_calls: calls.map((call) => ({ id: call.tool_call_id, name: call.name, arguments: call.arguments })),
    },
    ...calls.map((call): ModelMessage => {
      const content = results.get(callKey(call))?.content ?? NO_RESULT;
      return { role: "tool", tool_call_id: call.tool_call_id, content };
    }),
  ];
}

function answerMessage({ content }: OutboundEvent): ModelMessage {
  return { role: "assistant", content };
}
