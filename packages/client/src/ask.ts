import type { BotEvent, DeltaEvent, EventRecord, OutboundEvent, Receipt, SendInput } from "@my-bot/protocol";
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
      const answer = await waitForAnswer(deps, receipt, { onDelta: options.onDelta, approvals, signal });
      if (answer === undefined) continue; // another log: sending the same message_id again is harmless, and tells
      if (answer.error === null) return answer;
      throw new MyBotClientError("RUN_FAILED", answer.error, { event: answer });
    }
  } finally {
    approvals.close();
    done.abort();
  }
}

interface WaitOptions {
  readonly onDelta: AskOptions["onDelta"];
  readonly approvals: OpenApprovals;
  readonly signal: AbortSignal;
}

/** Undefined when the log is not the one that the receipt is from. */
async function waitForAnswer(
  { events }: AskDeps,
  { cursor, session_id, run_id }: Receipt,
  { onDelta, approvals, signal }: WaitOptions,
): Promise<OutboundEvent | undefined> {
  const text = new AnswerText();
  for await (const record of events({ after: cursor, session_id, types: TYPES, signal })) {
    const { event } = record;
    if (event.type === "GapEvent") return undefined;
    if (event.type === "SessionEvent" && event.action === "deleted") {
      throw new MyBotClientError("NOT_FOUND", "The session was deleted before the answer came");
    }
    if (!("run_id" in event) || event.run_id !== run_id) continue;
    approvals.take(record);
    const piece = onDelta && nextPiece(text, event);
    if (piece) onDelta(piece.content, { type: "DeltaEvent", session_id, run_id, ...piece });
    if (event.type === "OutboundEvent") return event;
  }
  throw signal.reason;
}

function nextPiece(text: AnswerText, event: BotEvent) {
  if (event.type === "DeltaEvent") return text.add(event);
  if (event.type === "ToolCallEvent") return text.endTurn(event.turn, event.content);
  if (event.type === "OutboundEvent") return text.end(event.content);
  return undefined;
}
