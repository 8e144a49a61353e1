import { type DurableEvent, type EphemeralEvent, type EventFilter, homeSession } from "@my-bot/protocol";

export function matchesFilter(
  event: DurableEvent | EphemeralEvent,
  sessionSource: string,
  filter: EventFilter | undefined,
): boolean {
  if (filter === undefined) return true;
  return (
    (filter.session_id === undefined || filter.session_id === homeSession(event)) &&
    (filter.source === undefined || filter.source === sessionSource) &&
    (filter.types === undefined || filter.types.includes(event.type))
  );
}
