import type { Attachment } from "@my-bot/protocol";

const PREFIX = "my-bot.draft.";
const IMAGES_PREFIX = "my-bot.draft-images.";

/** What was written and not sent, in this tab. */
export interface Draft {
  readonly text: string;
  readonly images: readonly Attachment[];
}

export function readDraft(sessionId: string | null): Draft {
  const storage = window.sessionStorage;
  const id = sessionId ?? "";
  return { text: storage.getItem(PREFIX + id) ?? "", images: parseImages(storage.getItem(IMAGES_PREFIX + id)) };
}

export function keepDraft(sessionId: string | null, { text, images }: Draft): void {
  keep(PREFIX + (sessionId ?? ""), text);
  keep(IMAGES_PREFIX + (sessionId ?? ""), images.length === 0 ? "" : JSON.stringify(images));
}

/** A new conversation got its id while something was being written. */
export function adoptDraft(sessionId: string): void {
  keepDraft(sessionId, readDraft(null));
  keepDraft(null, { text: "", images: [] });
}

function keep(key: string, value: string): void {
  if (value === "") window.sessionStorage.removeItem(key);
  else window.sessionStorage.setItem(key, value);
}

function parseImages(text: string | null): readonly Attachment[] {
  return text === null ? [] : JSON.parse(text); // our own: the tab's storage is nobody else's
}
