/** The server's answer was an error; anything else is a matter of the connection, or this page closed it. */
export function isRefusal(cause: unknown): boolean {
  const code = errorCode(cause);
  return code !== undefined && code !== "CLOSED";
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
