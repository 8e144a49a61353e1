import type { IncomingMessage, ServerResponse } from "node:http";
import { BotError, type BotErrorCode, type Gateway } from "@my-bot/protocol";
import type { LimitsConfig } from "../workspace/config.ts";
import { type AccessPolicy, bearerToken } from "./access.ts";
import { connectionOf } from "./connection.ts";

export interface AttachmentDoorDeps {
  readonly gateway: Gateway;
  readonly access: AccessPolicy;
  readonly limits: LimitsConfig;
  /** Failures that are not the client's doing. */
  readonly onError: (error: unknown) => void;
}

export const ATTACHMENTS = "/attachments";

const STATUS: Readonly<Record<BotErrorCode, number>> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  SERVICE_UNAVAILABLE: 503,
};

/** What was uploaded is shown as the image it is, and never runs (SPEC IMG5). */
const IMAGE_HEADERS = {
  "Cache-Control": "private, max-age=31536000, immutable", // its name is its hash
  "Content-Security-Policy": "default-src 'none'; sandbox",
  "X-Content-Type-Options": "nosniff",
};

/** `POST /attachments` takes the bytes of an image, `GET /attachments/<id>` gives them (SPEC IMG1, IMG5). */
export function createAttachmentDoor(deps: AttachmentDoorDeps) {
  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
    allowOrigin(request, response);
    try {
      if (request.method === "OPTIONS") answerPreflight(response);
      else await serve(deps, request, { response, path });
    } catch (cause) {
      if (request.readableAborted) return; // nobody is there to be told
      request.resume(); // to its end, or its time: who still sends would not see the answer
      sendError(deps, response, cause);
    }
  };
}

async function serve(
  { gateway, access, limits }: AttachmentDoorDeps,
  request: IncomingMessage,
  { response, path }: { readonly response: ServerResponse; readonly path: string },
): Promise<void> {
  if (!access.visitor(request).shows(bearerToken(request)))
    throw new BotError("UNAUTHORIZED", "This server needs its token");
  connectionOf(request.socket, limits).countCall();
  const id = path.slice(ATTACHMENTS.length + 1);
  if (request.method === "POST" && id === "") {
    const attachment = await gateway.upload(await readBody(request, limits.attachment_bytes));
    response.writeHead(201, { "Content-Type": "application/json" }).end(JSON.stringify(attachment));
  } else if ((request.method === "GET" || request.method === "HEAD") && id !== "") {
    const { attachment, data } = gateway.download(id);
    response.writeHead(200, { ...IMAGE_HEADERS, "Content-Type": attachment.media_type, "Content-Length": data.length });
    response.end(request.method === "GET" ? data : undefined);
  } else {
    throw new BotError("BAD_REQUEST", "POST an image to /attachments, or GET one of /attachments/<id>");
  }
}

/** Pages of other origins that came this far are allowed ones. */
function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Vary", "Origin");
  if (headers.origin !== undefined) response.setHeader("Access-Control-Allow-Origin", headers.origin);
}

function answerPreflight(response: ServerResponse): void {
  const headers = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
  };
  response.writeHead(204, headers).end();
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () => new BotError("PAYLOAD_TOO_LARGE", `An image may have ${limit} bytes; this one has more`);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function sendError({ onError }: AttachmentDoorDeps, response: ServerResponse, cause: unknown): void {
  const isKnown = cause instanceof BotError;
  if (!isKnown) onError(cause);
  const code = isKnown ? cause.code : "INTERNAL_SERVER_ERROR";
  const message = isKnown ? cause.message : "Internal server error";
  response.writeHead(isKnown ? STATUS[cause.code] : 500, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ code, message }));
}
