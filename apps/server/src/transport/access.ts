import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ApiConfig } from "../workspace/config.ts";
import { senderOf } from "./sender.ts";
import { Visitor } from "./visitor.ts";
import { BLOCKED_SECONDS, WrongTokens } from "./wrong-tokens.ts";

/** Why a request is turned away, as an HTTP answer. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 429 | 503;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
}

export interface AccessPolicy {
  /** Refuses what is malformed or comes from a stranger's page or name (SPEC DOOR2, DOOR3). */
  check(request: IncomingMessage): Refusal | undefined;
  /** Refuses who has sent too many wrong tokens, at the doors that need one (SPEC DOOR10). */
  checkGuesses(request: IncomingMessage): Refusal | undefined;
  visitor(request: IncomingMessage): Visitor;
  /** From now on this is the token; undefined: none is needed. Returns whether it is another than before. */
  changeToken(token: string | undefined): boolean;
}

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

const TOO_MANY_GUESSES: Refusal = {
  status: 429,
  reason: `Too many wrong tokens came from here; try again in ${BLOCKED_SECONDS / 60} minutes`,
  retryAfterSeconds: BLOCKED_SECONDS,
};

export function createAccessPolicy(api: ApiConfig): AccessPolicy {
  const hosts = new Set([
    ...LOOPBACK_NAMES,
    hostName(api.host),
    ...api.allowed_hosts.map((host) => host.toLowerCase()),
  ]);
  const origins = new Set(api.allowed_origins.map((origin) => origin.toLowerCase()));
  const wrongTokens = new WrongTokens();
  let { token } = api;
  const isToken = (given: string): boolean => token === undefined || timingSafeEqual(digest(given), digest(token));
  const sender = (request: IncomingMessage) => (token === undefined ? undefined : senderOf(request));
  return {
    check: (request) => checkTarget(request) ?? checkHost(request, hosts) ?? checkOrigin(request, origins),
    checkGuesses: (request) => (wrongTokens.isBlocked(sender(request)) ? TOO_MANY_GUESSES : undefined),
    visitor: (request) => new Visitor({ sender: sender(request), wrongTokens, isToken }),
    changeToken: (next) => {
      const isOther = next !== token;
      token = next;
      return isOther;
    },
  };
}

/** `Authorization: Bearer <token>` */
export function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Origin form only: what follows may build a URL from it without fear, as it names no host in any spelling. */
function checkTarget({ url = "" }: IncomingMessage): Refusal | undefined {
  return /^\/(?![/\\\s])/.test(url) ? undefined : { status: 400, reason: "The request target must be a path" };
}

function checkHost(request: IncomingMessage, allowed: ReadonlySet<string>): Refusal | undefined {
  const [, name, port] = (isSingle("host", request) && HOST.exec(request.headers.host?.toLowerCase() ?? "")) || [];
  if (name === undefined || Number(port ?? 0) > 65_535) {
    return { status: 400, reason: "The request needs exactly one valid Host header" };
  }
  if (allowed.has(name)) return undefined;
  return { status: 403, reason: "This host name is not allowed; add it to api.allowed_hosts" };
}

/** Node itself keeps the first of two. */
function isSingle(name: string, { rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at];
    if (header?.length === name.length && header.toLowerCase() === name) count += 1;
  }
  return count === 1;
}

/** Programs send no Origin; pages do, and only our own and the configured ones may come in. */
function checkOrigin({ headers }: IncomingMessage, allowed: ReadonlySet<string>): Refusal | undefined {
  const origin = headers.origin?.toLowerCase();
  const host = headers.host?.toLowerCase();
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}` || allowed.has(origin)) {
    return undefined;
  }
  return { status: 403, reason: "This origin is not allowed; add it to api.allowed_origins" };
}

function hostName(host: string): string {
  return host.includes(":") ? `[${host.toLowerCase()}]` : host.toLowerCase();
}

/** Hashed, so that comparing takes the same time for every length. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
