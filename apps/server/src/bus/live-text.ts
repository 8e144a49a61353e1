import type { BotEvent, EphemeralEvent, EventFilter } from "@my-bot/protocol";
import type { LogRecord } from "./event-bus.ts";
import { matchesFilter } from "./filter.ts";

interface LiveWriting {
  readonly sessionSource: string;
  last: EphemeralEvent;
  /** All so far. */
  text: string;
}

/** The answer of a turn and its thoughts; the output of a call, of which a turn may have many. */
type Writings = Map<string, LiveWriting>;

const ANSWER = "";
const REASONING = "reasoning";

export function isEphemeral(event: BotEvent): event is EphemeralEvent {
  return event.type === "DeltaEvent" || event.type === "ReasoningEvent" || event.type === "ToolOutputEvent";
}

/** Every text that is being written now, so that a late joiner gets it in one piece. */
export class LiveText {
  readonly #runs = new Map<string, Writings>(); // by run_id

  add(event: EphemeralEvent, sessionSource: string): void {
    const writings: Writings = this.#runs.get(event.run_id) ?? new Map();
    const key = keyOf(event);
    const writing = writings.get(key);
    if (writing) {
      const known = writing.last.turn === event.turn ? writing.text : "";
      const before = known.length === event.offset ? known : known.slice(0, event.offset);
      writing.last = event;
      writing.text = before + event.content;
    } else {
      writings.set(key, { sessionSource, last: event, text: event.content });
      this.#runs.set(event.run_id, writings);
    }
  }

  /** A turn's text is in the log once its tool calls or its answer are, an output once the call's result is. */
  settle({ event }: LogRecord): void {
    if (event.type === "OutboundEvent" || event.type === "RunEndedEvent") this.#runs.delete(event.run_id);
    else if (event.type === "ToolCallEvent") this.#settleTurn(event.run_id);
    else if (event.type === "ToolResultEvent") this.#runs.get(event.run_id)?.delete(callOf(event));
  }

  #settleTurn(runId: string): void {
    for (const key of [ANSWER, REASONING]) this.#runs.get(runId)?.delete(key);
  }

  snapshot(filter: EventFilter | undefined): EphemeralEvent[] {
    return [...this.#runs.values()]
      .flatMap((writings) => [...writings.values()])
      .filter(({ last, sessionSource }) => matchesFilter(last, sessionSource, filter))
      .map(({ last, text }) => ({ ...last, offset: 0, content: text }));
  }
}

function keyOf(event: EphemeralEvent): string {
  if (event.type === "ToolOutputEvent") return callOf(event);
  return event.type === "DeltaEvent" ? ANSWER : REASONING;
}

function callOf({ turn, tool_call_id }: { readonly turn: number; readonly tool_call_id: string }): string {
  return `${turn} ${tool_call_id}`;
}
