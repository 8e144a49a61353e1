/** The memory of the server while one message was answered; bytes. */
export interface MemorySpan {
  readonly name: string; // of the fault
  readonly before: number;
  readonly most: number;
}

const MIB = 1024 * 1024;
const LIMIT_BYTES = 50 * MIB;

/**
 * How much one answer costs (the middle one of each fault, as a garbage collector has its own times), and whether they add
 * up: the second half of the messages may not need more than the first.
 */
export function judgeMemory(spans: readonly MemorySpan[]): {
  bloated: number;
  grownMiB: number;
  laterGrownMiB: number;
} {
  const grown = [...Map.groupBy(spans, ({ name }) => name).values()].map((group) =>
    median(group.map(({ before, most }) => most - before)),
  );
  const half = Math.ceil(spans.length / 2);
  const later = spans.length > 1 ? peak(spans.slice(half)) - peak(spans.slice(0, half)) : 0;
  return {
    bloated: [...grown, later].filter((bytes) => bytes > LIMIT_BYTES).length,
    grownMiB: Math.round(Math.max(0, ...grown) / MIB),
    laterGrownMiB: Math.round(later / MIB),
  };
}

function peak(spans: readonly MemorySpan[]): number {
  return Math.max(0, ...spans.map(({ most }) => most));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
