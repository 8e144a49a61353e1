import type { EventRecord, SubscribeOptions } from "@my-bot/protocol";
import type { EventBus } from "../../src/bus/event-bus.ts";

export function follow(bus: EventBus, options: Omit<SubscribeOptions, "signal">) {
  const stopped = new AbortController();
  const iterator = bus.subscribe({ ...options, signal: stopped.signal })[Symbol.asyncIterator]();
  return {
    next: async (): Promise<EventRecord> => {
      const result = await iterator.next();
      if (result.done) throw new Error("The subscription ended");
      return result.value;
    },
    stop: async () => {
      stopped.abort();
      await iterator.return?.();
    },
  };
}

export async function readAll(
  bus: EventBus,
  after: string,
  filter?: SubscribeOptions["filter"],
): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for await (const record of bus.subscribe({ after, filter, signal: new AbortController().signal })) {
    records.push(record);
    if (record.event.type === "SyncedEvent") break;
  }
  return records;
}

export function contents(records: readonly EventRecord[]): string[] {
  return records.flatMap(({ event }) =>
    event.type === "InboundEvent" || event.type === "OutboundEvent" ? [event.content] : [],
  );
}
