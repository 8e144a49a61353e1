import type { ModelMessage } from "../language-model.ts";

const KEPT_CHARS = 10_000;

/** Cuts long tool results in the middle, the oldest first, and no more of them than `fits` asks for (SPEC CMP4). */
export function cutResults(
  messages: readonly ModelMessage[],
  fits: (messages: readonly ModelMessage[]) => boolean,
): readonly ModelMessage[] {
  let shorter = messages;
  for (const [index, message] of messages.entries()) {
    if (message.role !== "tool" || message.content.length <= KEPT_CHARS) continue;
    if (fits(shorter)) break;
    shorter = shorter.with(index, { ...message, content: cutMiddle(message.content, KEPT_CHARS) });
  }
  return shorter;
}

/** Head and tail, together `maxChars`, with a note between them. */
export function cutMiddle(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const half = Math.floor(maxChars / 2);
  return `${text.slice(0, half)}\n[cut: ${text.length - 2 * half} of ${text.length} characters]\n${text.slice(-half)}`;
}
