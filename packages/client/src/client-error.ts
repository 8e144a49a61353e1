import type { AppRouter, OutboundEvent } from "@my-bot/protocol";
import { TRPCClientError } from "@trpc/client";

/**
 * A tRPC error code when the server refused the call; `RUN_FAILED` when it took the message, but the run ended with an
 * error; `CLOSED` when the client was closed first.
 */
export type MyBotClientErrorCode = NonNullable<TRPCClientError<AppRouter>["data"]>["code"] | "RUN_FAILED" | "CLOSED";

/** Why a call failed for good. Its message is one sentence for the user. */
export class MyBotClientError extends Error {
  /** What to decide by; see MyBotClientErrorCode. */
  readonly code: MyBotClientErrorCode;
  /** The answer of the failed run; only with `RUN_FAILED`. */
  readonly event: OutboundEvent | undefined;

  constructor(code: MyBotClientErrorCode, message: string, options?: ErrorOptions & { event?: OutboundEvent }) {
    super(message, options);
    this.name = "MyBotClientError";
    this.code = code;
    this.event = options?.event;
  }
}

/** The connection was lost during a call that is not safe to repeat: it may or may not have happened. */
export class ConnectionLostError extends Error {
  constructor(options?: ErrorOptions) {
    super("The connection was lost before the server answered; the call may or may not have happened", options);
    this.name = "ConnectionLostError";
  }
}

/** What became of a call that tRPC rejected. */
export type Failure =
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "refusedForNow" } // the same call can succeed later
  | { readonly kind: "lost"; readonly isTooLong: boolean }; // the socket went away without an answer

const MESSAGE_TOO_BIG = 1009; // WebSocket close code

export function explainFailure(cause: unknown): Failure {
  if (!isTrpcError(cause)) return { kind: "refused", error: cause };
  if (!cause.data) return { kind: "lost", isTooLong: closeCode(cause.cause) === MESSAGE_TOO_BIG };
  const { code } = cause.data;
  if (code === "TOO_MANY_REQUESTS" || code === "SERVICE_UNAVAILABLE") return { kind: "refusedForNow" };
  return { kind: "refused", error: new MyBotClientError(code, cause.message, { cause }) };
}

function isTrpcError(cause: unknown): cause is TRPCClientError<AppRouter> {
  return cause instanceof TRPCClientError;
}

function closeCode(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}
