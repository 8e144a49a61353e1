/** What a run of the kit found. */
export interface RunReport {
  /** Each count has to be 0. */
  readonly verdict: Readonly<Record<string, number>>;
  /** What was done, and the figures seen: no judgement. */
  readonly facts: Readonly<Record<string, number>>;
}

/** Prints one line of progress. */
export type Say = (line: string) => void;

export function isClean({ verdict }: RunReport): boolean {
  return Object.values(verdict).every((count) => count === 0);
}
