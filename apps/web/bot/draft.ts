const PREFIX = "my-bot.draft.";

/** What was typed and not sent, in this tab. */
export function readDraft(sessionId: string | null): string {
  return window.sessionStorage.getItem(draftKey(sessionId)) ?? "";
}

export function keepDraft(sessionId: string | null, text: string): void {
  if (text === "") window.sessionStorage.removeItem(draftKey(sessionId));
  else window.sessionStorage.setItem(draftKey(sessionId), text);
}

/** A new conversation got its id while something was being typed. */
export function adoptDraft(sessionId: string): void {
  keepDraft(sessionId, readDraft(null));
  keepDraft(null, "");
}

function draftKey(sessionId: string | null): string {
  return PREFIX + (sessionId ?? "");
}
