import type { LoggedEvent } from "../ledger/ledger.ts";
import { keyOf, type Message, type SeenReceipt } from "../wire/copy-line.ts";

interface Entry {
  readonly message: Message;
  readonly receipts: SeenReceipt[];
}

export type CopyCounts = Readonly<
  Record<"extraEvents" | "lostEvents" | "changedContents" | "differingReceipts" | "twiceNew", number>
>;

/** Every receipt that copies of a message got, and what the log has to say of it. */
export class CopyTally {
  readonly #entries = new Map<string, Entry>();
  #receipts = 0;

  get receipts(): number {
    return this.#receipts;
  }

  get messages(): readonly Message[] {
    return [...this.#entries.values()].map(({ message }) => message);
  }

  /** A message that is to be in the log once. */
  expect(message: Message): void {
    this.#entries.set(keyOf(message), { message, receipts: [] });
  }

  add(message: Message, receipt: SeenReceipt): void {
    this.#entries.get(keyOf(message))?.receipts.push(receipt);
    this.#receipts += 1;
  }

  judge(log: readonly LoggedEvent[]): CopyCounts {
    const inbound = log.filter(({ type }) => type === "InboundEvent");
    const logged = Map.groupBy(inbound, ({ source, messageId }) => `${source} ${messageId}`);
    const entries = [...this.#entries].map(([key, entry]) => ({ ...entry, events: logged.get(key) ?? [] }));
    const count = (pick: (entry: Entry & { events: readonly LoggedEvent[] }) => number): number =>
      entries.reduce((sum, entry) => sum + pick(entry), 0);
    return {
      extraEvents: inbound.length - count(({ events }) => Math.min(1, events.length)),
      lostEvents: count(({ events }) => (events.length === 0 ? 1 : 0)),
      changedContents: count(({ message, events }) => events.filter((e) => e.content !== message.content).length),
      differingReceipts: count(({ receipts, events: [event] }) => receipts.filter((r) => !isOf(event, r)).length),
      twiceNew: count(({ receipts }) => (receipts.filter((r) => r.isDuplicate === false).length > 1 ? 1 : 0)),
    };
  }
}

function isOf(event: LoggedEvent | undefined, { cursor, runId, digest }: SeenReceipt): boolean {
  return event?.cursor === cursor && event.runId === runId && (digest ?? event.digest) === event.digest;
}
