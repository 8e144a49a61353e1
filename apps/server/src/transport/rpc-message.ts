import { TRPCError } from "@trpc/server";
import type { TRPCClientOutgoingMessage } from "@trpc/server/rpc";

export type ConnectionParams = Readonly<Record<string, string>> | null;

/** The part of a message that its answer repeats. */
export interface Envelope {
  readonly id: number | string | null;
  readonly jsonrpc?: "2.0" | undefined;
}

/** A query, a mutation or a subscription. */
export type RpcCall = Exclude<TRPCClientOutgoingMessage, { method: "subscription.stop" }>;

/** Throws for a binary frame as well: JSON comes in text frames. */
export function parseFrame(text: string, isBinary: boolean): unknown {
  if (isBinary) throw new Error("Send JSON as a text frame, not a binary one");
  return JSON.parse(text);
}

/** The first message of a connection that announced parameters: `{ method: "connectionParams", data }`. */
export function parseConnectionParams(text: string, isBinary: boolean): ConnectionParams {
  const message = parseObject(text, isBinary);
  if (!message) throw new TRPCError({ code: "PARSE_ERROR", message: "Malformed TRPCConnectionParamsMessage" });
  const { data } = message;
  if (data === null) return null;
  const params = isObject(data) ? data : undefined;
  if (!params || !isStringRecord(params)) {
    throw new TRPCError({ code: "PARSE_ERROR", message: "Invalid connection params shape" });
  }
  return params;
}

function parseObject(text: string, isBinary: boolean): Readonly<Record<string, unknown>> | undefined {
  try {
    const message = parseFrame(text, isBinary);
    return isObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** A client that resumes sends the id beside the input; procedures find it inside. */
export function inputOf({ params: { input, lastEventId } }: RpcCall): unknown {
  if (lastEventId === undefined) return input;
  return isObject(input) ? { ...input, lastEventId } : (input ?? { lastEventId });
}

/** Who of a batch waits for an answer; whoever cannot be told by id is told by one without. */
export function envelopesOf(messages: readonly unknown[]): Envelope[] {
  const envelopes = messages.flatMap((message): Envelope[] => {
    if (!isObject(message) || message.method === "subscription.stop") return [];
    const { id, jsonrpc } = message;
    if (typeof id !== "number" && typeof id !== "string") return [];
    return [{ id, ...(jsonrpc === "2.0" && { jsonrpc }) }];
  });
  return envelopes.length > 0 ? envelopes : [{ id: null }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringRecord(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, string>> {
  return Object.values(value).every((entry) => typeof entry === "string");
}
