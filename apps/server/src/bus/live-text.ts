import type { DeltaEvent, EventFilter } from "@my-bot/protocol";
import type { LogRecord } from "./event-bus.ts";
import { matchesFilter } from "./filter.ts";

interface LiveTurn {
  readonly sessionSource: string;
  readonly delta: DeltaEvent; // offset 0, all text so far
}

/** The text of every turn that is being written now, so that a late joiner gets it in one delta. */
export class LiveText {
  readonly #turns = new Map<string, LiveTurn>(); // by run_id

  add(delta: DeltaEvent, sessionSource: string): void {
    const turn = this.#turns.get(delta.run_id)?.delta;
    const known = turn?.turn === delta.turn ? turn.content : "";
    const before = known.length === delta.offset ? known : known.slice(0, delta.offset);
    const whole: DeltaEvent = { ...delta, offset: 0, content: before + delta.content };
    this.#turns.set(delta.run_id, { sessionSource, delta: whole });
  }

  /** A turn's text is in the log once its tool calls or its answer are. */
  settle({ event }: LogRecord): void {
    if (event.type === "OutboundEvent" || event.type === "ToolCallEvent" || event.type === "RunEndedEvent") {
      this.#turns.delete(event.run_id);
    }
  }

  snapshot(filter: EventFilter | undefined): DeltaEvent[] {
    return [...this.#turns.values()]
      .filter(({ delta, sessionSource }) => matchesFilter(delta, sessionSource, filter))
      .map(({ delta }) => delta);
  }
}
