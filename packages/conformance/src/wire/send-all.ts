import type { SentMessage } from "../ledger/ledger.ts";
import { rawLine } from "./sender.ts";

const SILENCE_MS = 30_000;

/** Sends messages over one raw connection that gets nothing but their receipts; resolves with the cursors that they are acknowledged under, by message id. */
export async function sendAll(port: number, messages: readonly SentMessage[]): Promise<ReadonlyMap<string, string>> {
  const waiting = new Set(messages.map(({ messageId }) => messageId));
  const cursors = new Map<string, string>();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (waiting.size === 0) resolve();
  const timer = setTimeout(() => reject(new Error(`${waiting.size} messages are not acknowledged`)), SILENCE_MS);
  const line = await rawLine(
    port,
    "&session=none",
  )({
    onAck: (messageId, cursor) => {
      timer.refresh();
      cursors.set(messageId, cursor);
      waiting.delete(messageId);
      if (waiting.size === 0) resolve();
    },
    onRefused: () => reject(new Error("The server refused a message")),
    onLost: () => reject(new Error("The connection was lost before all messages were acknowledged")),
  });
  try {
    for (const message of messages) line.send(message);
    await promise;
    return cursors;
  } finally {
    clearTimeout(timer);
    line.close();
  }
}
