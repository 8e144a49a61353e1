import type {
  BotEvent,
  DeltaEvent,
  EventRecord,
  OutboundEvent,
  ReasoningEvent,
  Receipt,
  SendInput,
} from "@my-bot/protocol";
import { AnswerText } from "./answer-text.ts";
import { MyBotClientError } from "./client-error.ts";
import type { EventsOptions } from "./event-stream.ts";
import { type OnApproval, OpenApprovals } from "./open-approvals.ts";
import { eitherSignal } from "./retry.ts";

/** How to follow the answer while it is made. */
export interface AskOptions {
  /** The message is durable; its `run_id` is what `abort` takes. */
  readonly onReceipt?: ((receipt: Receipt) => void) | undefined;
  /**
   * Gets the text as it is written: `text` continues what came before, except that `event.offset` 0 begins the text of
   * the turn `event.turn`, afresh if there was some. Each piece comes once, also across lost connections.
   */
  readonly onDelta?: ((text: string, event: DeltaEvent) => void) | undefined;
  /** The same for what the model thinks before it says something; it is no part of the answer (SPEC EV7). */
  readonly onReasoning?: ((text: string, event: ReasoningEvent) => void) | undefined;
  /** The run waits for this to be answered, by `approve` for example; `settled` aborts when it has been, by whomever. */
  readonly onApproval?: OnApproval | undefined;
  /** Ends the waiting, not the run. */
  readonly signal?: AbortSignal | undefined;
}

/** The calls that asking is made of. */
export interface AskDeps {
  send(input: SendInput, options: { signal: AbortSignal }): Promise<Receipt>;
  events(options: EventsOptions): AsyncIterable<EventRecord>;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
}

const TYPES = [
  "DeltaEvent",
  "ToolCallEvent",
  "DispatchEvent",
  "ApprovalRequestedEvent",
  "ApprovalResolvedEvent",
  "OutboundEvent",
  "SessionEvent",
] as const;

/** The message goes first: its receipt names the run and a cursor from which no part of the answer can be missed. */
export async function ask(deps: AskDeps, message: SendInput, options: AskOptions): Promise<OutboundEvent> {
  const done = new AbortController();
  const signal = eitherSignal(deps.closing, eitherSignal(done.signal, options.signal));
  const approvals = new OpenApprovals({ onApproval: options.onApproval, events: deps.events, signal });
  try {
    for (;;) {
      const receipt = await deps.send(message, { signal });
      options.onReceipt?.(receipt);
      const answer = await waitForAnswer(deps, receipt, { ...options, approvals, signal });
      if (answer === undefined) continue; // another log: sending the same message_id again is harmless, and tells
      if (answer.error === null) return answer;
      throw new MyBotClientError("RUN_FAILED", answer.error, { event: answer });
    }
  } finally {
    approvals.close();
    done.abort();
  }
}

type Listeners = Pick<AskOptions, "onDelta" | "onReasoning">;

interface WaitOptions extends Listeners {
  readonly approvals: OpenApprovals;
  readonly signal: AbortSignal;
}

/** Undefined when the log is not the one that the receipt is from. */
async function waitForAnswer(
  { events }: AskDeps,
  receipt: Receipt,
  { approvals, signal, ...listeners }: WaitOptions,
): Promise<OutboundEvent | undefined> {
  const { cursor, session_id, run_id } = receipt;
  const tell = createTeller(receipt, listeners);
  const types = listeners.onReasoning ? [...TYPES, "ReasoningEvent" as const] : TYPES;
  for await (const record of events({ after: cursor, session_id, types, signal })) {
    const { event } = record;
    if (event.type === "GapEvent") return undefined;
    if (event.type === "SessionEvent" && event.action === "deleted") {
      throw new MyBotClientError("NOT_FOUND", "The session was deleted before the answer came");
    }
    if (!("run_id" in event) || event.run_id !== run_id) continue;
    approvals.take(record);
    tell(event);
    if (event.type === "OutboundEvent") return event;
  }
  throw signal.reason;
}

/** Passes on what is new of the answer and of the thoughts before it. */
function createTeller({ session_id, run_id }: Receipt, { onDelta, onReasoning }: Listeners) {
  const text = new AnswerText();
  const thoughts = new AnswerText();
  return (event: BotEvent): void => {
    const thought = event.type === "ReasoningEvent" ? thoughts.add(event) : undefined;
    if (thought) onReasoning?.(thought.content, { type: "ReasoningEvent", session_id, run_id, ...thought });
    const piece = onDelta && nextPiece(text, event);
    if (piece) onDelta(piece.content, { type: "DeltaEvent", session_id, run_id, ...piece });
  };
}

function nextPiece(text: AnswerText, event: BotEvent) {
  if (event.type === "DeltaEvent") return text.add(event);
  if (event.type === "ToolCallEvent") return text.endTurn(event.turn, event.content);
  if (event.type === "OutboundEvent") return text.end(event.content);
  return undefined;
}
