import * as z from "zod";

/** Who searches the web for the tool `websearch`; without this section there is no such tool. */
export const WebsearchConfig = z.strictObject({
  provider: z.enum(["brave", "searxng"]),
  api_key: z.string().min(1).optional(), // brave needs one
  api_base: z.url({ protocol: /^https?$/ }).optional(), // searxng needs one; it may be on this machine
});
export type WebsearchConfig = z.output<typeof WebsearchConfig>;

/** Kept for older configurations: there is one way to read pages. */
export const WebreadConfig = z.strictObject({ provider: z.string().min(1).default("readability") });

/** What is missing for a search; undefined: nothing. */
export function findWebsearchProblem({
  provider,
  api_key,
  api_base,
}: WebsearchConfig): { readonly key: string; readonly reason: string } | undefined {
  if (provider === "brave" && api_key === undefined)
    return { key: "api_key", reason: "is missing; write your key of the Brave Search API here, or remove websearch" };
  if (provider === "searxng" && api_base === undefined)
    return { key: "api_base", reason: "is missing; write the address of your SearXNG here, or remove websearch" };
  return undefined;
}
