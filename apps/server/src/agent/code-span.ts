/** A text as code within a line of Markdown, whatever it holds. */
export function codeSpan(text: string): string {
  const line = text.replace(/\s+/g, " ");
  const fence = "`".repeat(longestBacktickRun(line) + 1);
  const isPadded = line.startsWith("`") || line.endsWith("`");
  return isPadded ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

export function longestBacktickRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
