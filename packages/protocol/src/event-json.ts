import type { BotEvent, DurableEvent } from "./events.ts";

const texts = new WeakMap<BotEvent, string>();

/** The JSON of an event: made once, then shared by the log and by every reader. */
export function eventJson(event: BotEvent): string {
  if ("offset" in event) return JSON.stringify(event); // live text is gone with its tick: keeping it would cost more
  const known = texts.get(event);
  if (known !== undefined) return known;
  const text = JSON.stringify(event);
  texts.set(event, text);
  return text;
}

/** An event that the log holds as this text; trusted, since only validated events get there. */
export function parseStoredEvent(text: string): DurableEvent {
  const event: DurableEvent = JSON.parse(text);
  texts.set(event, text);
  return event;
}
