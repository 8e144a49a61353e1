import type { BindingConfig } from "../workspace/config.ts";

/**
 * The agent that answers a new session of `source`. A binding must match the whole source; the most specific wins:
 * literal text, then a pattern, then a pattern with `.*`; among equals the first (SPEC CFG9).
 */
export function routeSource(bindings: readonly BindingConfig[], source: string, defaultAgent: string): string {
  const matching = bindings.filter(({ value }) => value === source || new RegExp(`^(?:${value})$`).test(source));
  const [first, ...others] = matching;
  if (!first) return defaultAgent;
  return others.reduce((best, next) => (rank(next.value) < rank(best.value) ? next : best), first).agent;
}

function rank(value: string): number {
  if (value.includes(".*")) return 2;
  // a dot in a source's id is far more often a dot than "any character"
  return /^[^\\^$*+?()[\]{}|]*$/.test(value) ? 0 : 1;
}
