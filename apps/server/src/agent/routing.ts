import type { BindingConfig } from "../workspace/config.ts";

/**
 * The agent that answers a new session of `source`. A binding must match the whole source; the most specific wins:
 * literal text, then a pattern, then a pattern with `.*`; among equals the first (SPEC CFG9).
 */
export function routeSource(bindings: readonly BindingConfig[], source: string, defaultAgent: string): string {
  const matching = bindings.filter(({ value }) => value === source || new RegExp(`^(?:${value})$`).test(source));
  return byRank(matching)[0]?.agent ?? defaultAgent;
}

/** The most specific first, else in their order. */
export function byRank(bindings: readonly BindingConfig[]): readonly BindingConfig[] {
  return bindings.toSorted((a, b) => rank(a.value) - rank(b.value));
}

function rank(value: string): number {
  if (value.includes(".*")) return 2;
  // a dot in a source's id is far more often a dot than "any character"
  return /^[^\\^$*+?()[\]{}|]*$/.test(value) ? 0 : 1;
}
