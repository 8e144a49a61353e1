import * as z from "zod";
import type { WebsearchConfig } from "../../workspace/web-config.ts";
import { readBody } from "./read-body.ts";
import { WebError } from "./web-error.ts";

export interface SearchHit {
  readonly title: string;
  readonly url: string;
  readonly text: string;
}

const MAX_BYTES = 2 * 1024 * 1024;
const BRAVE_BASE = "https://api.search.brave.com";
export const HITS = 10;

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const BraveAnswer = z.object({
  web: z.object({ results: z.array(z.object({ title: text, url: z.string(), description: text })) }).nullish(),
});
const SearxngAnswer = z.object({ results: z.array(z.object({ title: text, url: z.string(), content: text })) });

interface SearchRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly parse: (answer: unknown) => readonly SearchHit[];
}

/**
 * Asks the provider of the configuration; it is the owner's choice, so it may be on a private address, but it cannot send
 * us elsewhere. Throws WebError; ends when `signal` aborts.
 */
export async function searchWeb(
  query: string,
  { config, signal }: { readonly config: WebsearchConfig; readonly signal: AbortSignal },
): Promise<readonly SearchHit[]> {
  const { url, headers, parse } = toRequest(query, config);
  try {
    const response = await fetch(url, { headers, signal, redirect: "error" });
    if (!response.ok) throw new WebError(`was answered with status ${response.status}; ${adviceFor(response.status)}`);
    const { bytes, isCut } = await readBody(response.body, MAX_BYTES);
    if (isCut) throw new WebError(`was answered with more than ${MAX_BYTES} bytes`);
    return parse(JSON.parse(bytes.toString())).slice(0, HITS);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof WebError) throw cause;
    if (cause instanceof SyntaxError || cause instanceof z.ZodError)
      throw new WebError("was answered with something else");
    throw new WebError("could not be sent: the provider of websearch cannot be reached");
  }
}

function toRequest(query: string, { provider, api_key = "", api_base = BRAVE_BASE }: WebsearchConfig): SearchRequest {
  const base = api_base.replace(/\/+$/, "");
  switch (provider) {
    case "brave":
      return {
        url: withQuery(`${base}/res/v1/web/search`, { q: query, count: String(HITS), text_decorations: "false" }),
        headers: { Accept: "application/json", "X-Subscription-Token": api_key },
        parse: (answer) =>
          (BraveAnswer.parse(answer).web?.results ?? []).map((hit) => ({ ...hit, text: hit.description })),
      };
    case "searxng":
      return {
        url: withQuery(`${base}/search`, { q: query, format: "json" }),
        headers: { Accept: "application/json", ...(api_key !== "" && { Authorization: `Bearer ${api_key}` }) },
        parse: (answer) => SearxngAnswer.parse(answer).results.map((hit) => ({ ...hit, text: hit.content })),
      };
  }
}

function withQuery(address: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403) return "the owner of this bot should check the websearch section";
  return status === 429 ? "wait before the next search" : "try again later";
}
