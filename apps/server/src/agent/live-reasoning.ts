import type { InboundEvent } from "@my-bot/protocol";
import type { EventBus } from "../bus/event-bus.ts";
import { createDeltaWriter, type DeltaWriter } from "./delta-writer.ts";

const MAX_CHARS = 256 * 1024; // of one turn; the rest is not shown

interface ReasoningTurn {
  readonly inbound: InboundEvent;
  readonly sessionSource: string;
  readonly turn: number;
}

/** Shows what the model thinks during one turn (SPEC EV7). */
export function createLiveReasoning(
  bus: Pick<EventBus, "broadcast">,
  { inbound, sessionSource, turn }: ReasoningTurn,
): DeltaWriter {
  const { session_id, run_id } = inbound;
  const writer = createDeltaWriter((offset, content) =>
    bus.broadcast({ type: "ReasoningEvent", session_id, run_id, turn, offset, content }, { sessionSource }),
  );
  let room = MAX_CHARS;
  return {
    add: (text) => {
      writer.add(text.slice(0, room));
      room = Math.max(0, room - text.length);
    },
    restart: () => {
      if (room < MAX_CHARS) writer.restart();
      room = MAX_CHARS;
    },
    [Symbol.dispose]: () => writer[Symbol.dispose](),
  };
}
