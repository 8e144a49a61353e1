import type { BotEvent, EventRecord, InboundEvent, OutboundEvent } from "@my-bot/protocol";

/** Frames of the raw `/ws` door, each serialised once and shared by all sockets. */
const inherited = new WeakMap<BotEvent, string>();
const bodies = new WeakMap<BotEvent, string>();

/** Exactly the inherited keys, in the inherited order; undefined for an event that the reference did not have (SPEC WS1). */
export function inheritedFrame({ event }: EventRecord): string | undefined {
  if (event.type !== "InboundEvent" && event.type !== "OutboundEvent") return undefined;
  return once(inherited, event, () => JSON.stringify(inheritedShape(event)));
}

/** Every key of the event, and the cursor to resume from (SPEC WS6). */
export function fullFrame({ cursor, event }: EventRecord): string {
  const body = once(bodies, event, () => JSON.stringify(event));
  return `${body.slice(0, -1)},"cursor":${JSON.stringify(cursor)}}`;
}

export function errorFrame(message: string): string {
  return JSON.stringify({ type: "error", message });
}

function inheritedShape(event: InboundEvent | OutboundEvent) {
  const { type, session_id, source, content, timestamp } = event;
  const shape = { type, session_id, source, content, timestamp };
  return event.type === "InboundEvent"
    ? { ...shape, retry_count: event.retry_count }
    : { ...shape, error: event.error };
}

function once(cache: WeakMap<BotEvent, string>, event: BotEvent, make: () => string): string {
  const cached = cache.get(event);
  if (cached !== undefined) return cached;
  const frame = make();
  cache.set(event, frame);
  return frame;
}
