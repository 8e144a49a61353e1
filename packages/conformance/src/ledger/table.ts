/** Counts as lines; what should be zero and is not stands out. */
export function formatVerdict(verdict: Readonly<Record<string, number>>): string {
  return Object.entries(verdict)
    .map(([name, count]) => `  ${name.padEnd(18)} ${count}${count === 0 ? "" : "   <-- broken"}`)
    .join("\n");
}

export function formatFacts(facts: Readonly<Record<string, number>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
