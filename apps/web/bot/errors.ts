const CONNECTION_CODES: readonly (string | undefined)[] = [undefined, "CONNECTION_LOST", "CLIENT_CLOSED"];

/** The server's answer was an error; anything else is a matter of the connection. */
export function isRefusal(cause: unknown): boolean {
  return !CONNECTION_CODES.includes(errorCode(cause));
}

export function isUnauthorized(cause: unknown): boolean {
  return errorCode(cause) === "UNAUTHORIZED";
}

export function isNotFound(cause: unknown): boolean {
  return errorCode(cause) === "NOT_FOUND";
}

export function errorText(cause: unknown): string {
  return cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
}

function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
