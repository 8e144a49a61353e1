import type { EventRecord } from "@my-bot/protocol";
import type { ConnectionState, MyBotClient } from "../../src/index.ts";

export const llm = { provider: "offline" };
export const fast = { llm, api: { limits: { messages_per_second: 100_000, queued_messages: 100_000 } } };

/** The events so far, up to the one that ends the backlog. */
export async function readAll(client: MyBotClient, options: Parameters<MyBotClient["events"]>[0] = {}) {
  const records: EventRecord[] = [];
  for await (const record of client.events({ after: "0", ...options })) {
    if (record.event.type === "SyncedEvent") break;
    records.push(record);
  }
  return records;
}

export async function reached(client: MyBotClient, wanted: ConnectionState): Promise<void> {
  if (client.connection.state === wanted) return;
  await new Promise<void>((resolve) => {
    const stop = client.connection.subscribe((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}

export async function answerOf(client: MyBotClient, runId: string) {
  for await (const { event } of client.events({ after: "0", types: ["OutboundEvent"] })) {
    if (event.type === "OutboundEvent" && event.run_id === runId) return event;
  }
  throw new Error("The stream ended before the answer");
}
