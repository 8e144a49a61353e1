/** The arguments of a tool call on lines of their own; exactly as the model wrote them where they are no object. */
export function formatArguments(json: string): string {
  const value = parseArguments(json);
  return value === undefined ? json : JSON.stringify(value, null, 2);
}

/** Undefined for what is no object: the model's text may be broken. */
export function parseArguments(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
