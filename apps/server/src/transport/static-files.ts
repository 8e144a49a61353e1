import type { IncomingMessage, ServerResponse } from "node:http";
import sirv from "sirv";

/** Pages may load from here only, be framed by nobody, and connect to here only (the export needs its inline scripts). */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

const NOT_BUILT = `The web chat is not built; run "npm run build" in the repository.\n`;

/** The exported web app at `/`; one sentence in its place when there is none. */
export function createStaticFiles(webDir: string | undefined) {
  const serve = webDir === undefined ? undefined : sirv(webDir, { etag: true, setHeaders: setCaching });
  return (request: IncomingMessage, response: ServerResponse): void => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const notFound = (): void => sendText(response, 404, "Not found\n");
    if (request.method !== "GET" && request.method !== "HEAD") sendText(response, 405, "Method not allowed\n");
    else if (serve) serve(request, response, notFound);
    else if (request.url === "/") sendText(response, 200, NOT_BUILT);
    else notFound();
  };
}

/** Names below `_next/static` hold a hash of what they name; all else is asked for again after an update. */
function setCaching(response: ServerResponse, path: string): void {
  const isHashed = path.startsWith("/_next/static/");
  response.setHeader("Cache-Control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers?: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers }).end(text);
}
