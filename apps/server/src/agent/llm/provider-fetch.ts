import { ModelError } from "../language-model.ts";
import { limitLines } from "../limit-lines.ts";

const MAX_LINE_BYTES = 2 * 1024 * 1024; // a whole answer fits in one
const MAX_ERROR_CHARS = 64 * 1024;

const tooLong = (): Error => new ModelError("The model provider sent a line that does not end");

/** What the SDK does not guard against: a line that never ends, and errors in a shape that it does not know. */
export async function fetchFromProvider(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = limitLines(await fetch(url, init), { maxBytes: MAX_LINE_BYTES, tooLong });
  return response.ok ? response : withKnownError(response);
}

/** Some servers send `{ message }` or `{ detail }` where OpenAI sends `{ error: { message } }`. */
async function withKnownError(response: Response): Promise<Response> {
  const text = await readUpTo(response, MAX_ERROR_CHARS);
  return new Response(knownError(text) ?? text, response);
}

function knownError(text: string): string | undefined {
  try {
    const body: { error?: unknown; message?: unknown; detail?: unknown } | null = JSON.parse(text);
    const message = body?.message ?? body?.detail;
    return body?.error === undefined && message !== undefined ? JSON.stringify({ error: { message } }) : undefined;
  } catch {
    return undefined; // plain text, or cut off
  }
}

async function readUpTo({ body }: Response, maxChars: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length >= maxChars) break;
  }
  return text.slice(0, maxChars);
}
