import { type ApprovalReceipt, type EventRecord, type EventType, eventJson } from "@my-bot/protocol";

const OUR_FIRST_KEY = ',"run_id":'; // cannot stand within a JSON string, where its quotes would be escaped

/** The events of plain connections. */
export const INHERITED_TYPES: readonly EventType[] = [
  "InboundEvent",
  "OutboundEvent",
  "DispatchEvent",
  "DispatchResultEvent",
  "PostedEvent", // under the name that the reference had for what an agent says
];
const POSTED_BEGIN = '{"type":"PostedEvent"';

/** Exactly the inherited keys, which come first in an event; undefined for one that the reference did not have (SPEC WS1). */
export function inheritedFrame({ event }: EventRecord): string | undefined {
  if (!INHERITED_TYPES.includes(event.type)) return undefined;
  const json = eventJson(event);
  const inherited = `${json.slice(0, json.indexOf(OUR_FIRST_KEY))}}`;
  return event.type === "PostedEvent" ? inherited.replace(POSTED_BEGIN, '{"type":"OutboundEvent"') : inherited;
}

/** Every key of the event, and the cursor to resume from (SPEC WS6). */
export function fullFrame({ cursor, event }: EventRecord): string {
  return `${eventJson(event).slice(0, -1)},"cursor":${JSON.stringify(cursor)}}`;
}

/** What was decided, for who answered (SPEC APR3). */
export function receiptFrame(receipt: ApprovalReceipt): string {
  return JSON.stringify({ type: "approve", ...receipt });
}

export function errorFrame(message: string): string {
  return JSON.stringify({ type: "error", message });
}
