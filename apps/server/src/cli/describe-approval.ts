import type { ApprovalRequestedEvent } from "@my-bot/client";

/** A request as a terminal shows it: what is to be called, with what, and what that would do. */
export function describeApproval({ name, arguments: args, preview, expires_at }: ApprovalRequestedEvent): string {
  const until = new Date(expires_at * 1000).toLocaleTimeString("en-GB");
  const lines = [`${name} ${visible(args)}`, ...(preview === null ? [] : visible(preview).split("\n"))];
  return [...lines.map((line) => `  ${line}`), `  (valid until ${until})`].join("\n");
}

/** What a model wrote must not steer the terminal that asks about it. */
function visible(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
