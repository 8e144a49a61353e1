/** The memory of the server while one message was answered; bytes. */
export interface MemorySpan {
  readonly name: string; // of the fault
  readonly before: number;
  readonly most: number;
}

const MIB = 1024 * 1024;
const LIMIT_BYTES = 50 * MIB;
const FEWEST_SPANS = 30; // with fewer the runtime is still taking

/**
 * How much one answer costs (the middle one of each fault, as a garbage collector has its own times), and whether they add
 * up: the last third of the messages may not need more than the second. In the first a runtime takes what it then keeps.
 */
export function judgeMemory(spans: readonly MemorySpan[]): {
  bloated: number;
  grownMiB: number;
  laterGrownMiB: number;
} {
  const grown = [...Map.groupBy(spans, ({ name }) => name).values()].map((group) =>
    median(group.map(({ before, most }) => most - before)),
  );
  const third = Math.floor(spans.length / 3);
  const later = spans.length < FEWEST_SPANS ? 0 : peak(spans.slice(-third)) - peak(spans.slice(-2 * third, -third));
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
