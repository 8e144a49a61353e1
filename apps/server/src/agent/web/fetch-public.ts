import type { Response } from "undici";
import type { NetworkPolicy } from "./network-policy.ts";
import { readBody } from "./read-body.ts";
import { WebError } from "./web-error.ts";

export interface PublicPage {
  /** After redirects. */
  readonly url: string;
  /** In lower case, without parameters; empty: not told. */
  readonly type: string;
  readonly charset: string | undefined;
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

const MAX_REDIRECTS = 5;
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_URL_CHARS = 4096;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const HEADERS = {
  "User-Agent": "my-bot (reads a page for its user)",
  Accept: "text/html, text/markdown, text/plain, application/json;q=0.9, */*;q=0.1",
};

/** GETs what everybody may read. Throws WebError; ends when `signal` aborts. Each hop is checked as the first is. */
export async function fetchPublic(
  url: string,
  { policy, signal }: { readonly policy: NetworkPolicy; readonly signal: AbortSignal },
): Promise<PublicPage> {
  const { createPublicDispatcher } = await import("./public-dispatcher.ts"); // undici is only loaded when it is used
  const { fetch } = await import("undici");
  const dispatcher = createPublicDispatcher(policy);
  try {
    let next = checkUrl(url, undefined, policy);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await fetch(next, { dispatcher, signal, redirect: "manual", headers: HEADERS });
      const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
      if (location === null) return await toPage(next, response);
      await response.body?.cancel();
      next = checkUrl(location, next, policy);
    }
    throw new WebError(`redirects more than ${MAX_REDIRECTS} times`);
  } catch (cause) {
    signal.throwIfAborted();
    throw toWebError(cause);
  } finally {
    await dispatcher.destroy();
  }
}

/** What can be said of an address before anything is asked for. The parser makes 0x7f.1 and 2130706433 what they are. */
function checkUrl(text: string, base: URL | undefined, policy: NetworkPolicy): URL {
  const url = text.length > MAX_URL_CHARS ? null : URL.parse(text, base?.href);
  if (url === null) throw new WebError("is not an address, such as https://example.com/page");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new WebError(`leads to ${url.protocol.slice(0, 20)} where only http: and https: are read`);
  if (url.username !== "" || url.password !== "") throw new WebError("holds a user name or a password");
  const refusal = policy.refuse(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  if (refusal !== undefined) throw new WebError(refusal);
  url.hash = "";
  return url;
}

async function toPage(url: URL, response: Response): Promise<PublicPage> {
  if (!response.ok) throw new WebError(`was answered with status ${response.status}`);
  const [type = "", ...parameters] = (response.headers.get("content-type") ?? "").toLowerCase().split(";");
  const charset = parameters
    .map((text) => /^\s*charset="?([^"\s]+)/.exec(text)?.[1])
    .find((name) => name !== undefined);
  return { url: url.href, type: type.trim(), charset, ...(await readBody(response.body, MAX_BYTES)) };
}

/** Errors of the network may name addresses that nobody asked about: only their code is told. */
function toWebError(cause: unknown): WebError {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof WebError) return error;
    if ("code" in error && error.code === "ENOTFOUND") return new WebError("names a host that does not exist");
    if ("code" in error && typeof error.code === "string") return new WebError(`could not be read (${error.code})`);
  }
  return new WebError("could not be read");
}
