import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import type { Tool } from "./tool.ts";

const MAX_CHARS = 32_000;
const LIMIT_MS = 5000;

export interface PreviewOptions {
  readonly onError: (error: unknown) => void;
}

/** What a tool shows of a call; null when that is nothing. What is cut off is told by its hash, as it is approved, too. */
export async function previewCall(
  tool: Tool,
  input: z.output<Tool["input"]>,
  { onError }: PreviewOptions,
): Promise<string | null> {
  const stop = new AbortController();
  try {
    const overdue = delay(LIMIT_MS, undefined, { signal: stop.signal });
    const text = await Promise.race([tool.preview?.(input), overdue]);
    return text === undefined ? null : cut(text);
  } catch (cause) {
    onError(cause);
    return null;
  } finally {
    stop.abort();
  }
}

function cut(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  const hash = createHash("sha256").update(text).digest("hex");
  return `${text.slice(0, MAX_CHARS)}\n[cut: the first ${MAX_CHARS} of ${text.length} characters; sha256 ${hash}]`;
}
