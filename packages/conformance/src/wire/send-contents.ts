import { sendAll } from "./send-all.ts";

/** Each in a session of its own; resolves when all are durable. What is not taken is not answered: that is counted later. */
export async function sendContents(port: number, contents: readonly string[]): Promise<void> {
  const messages = contents.map((content) => ({
    messageId: content,
    sender: "contents",
    source: content.replace(/\W+/g, "-"),
    content,
    ackCursors: new Set<string>(),
  }));
  await sendAll(port, messages).catch(() => undefined);
}
