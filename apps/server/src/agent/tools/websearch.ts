import * as z from "zod";
import type { WebsearchConfig } from "../../workspace/web-config.ts";
import { HITS, type SearchHit, searchWeb } from "../web/search-web.ts";
import { WebError } from "../web/web-error.ts";
import type { Tool } from "./tool.ts";

const LIMIT_MS = 20_000;
const ENDING_MS = 5000; // on top, so that the tool's own sentence is the answer
const MAX_TEXT_CHARS = 500;

const Input = z.object({ query: z.string().trim().min(1).max(400).describe("what to search for") });

/** Searches the web with the provider of the configuration (SPEC TOOL12). */
export function createWebsearchTool({ config }: { readonly config: WebsearchConfig }) {
  return {
    name: "websearch",
    description: `Searches the web and returns up to ${HITS} pages with their addresses; webread reads one of them.`,
    input: Input,
    isReadOnly: true,
    approval: "allow",
    timeoutMs: LIMIT_MS + ENDING_MS,
    run: async ({ query }, signal) => {
      const limit = AbortSignal.timeout(LIMIT_MS);
      try {
        const hits = await searchWeb(query, { config, signal: AbortSignal.any([signal, limit]) });
        return { content: hits.map(formatHit).join("\n\n") || "Nothing was found.", is_error: false };
      } catch (cause) {
        if (cause instanceof WebError) return cannotSearch(cause.message);
        if (limit.aborted && !signal.aborted) return cannotSearch(`took longer than ${LIMIT_MS / 1000} s`);
        throw cause;
      }
    },
  } satisfies Tool<typeof Input>;
}

function cannotSearch(reason: string) {
  return { content: `The search failed: it ${reason}.`, is_error: true };
}

function formatHit({ title, url, text }: SearchHit, index: number): string {
  const lines = [`${index + 1}. ${oneLine(title) || url}`, `   ${oneLine(url)}`, `   ${oneLine(text)}`];
  return lines.filter((line) => line.trim() !== "").join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, MAX_TEXT_CHARS);
}
