import type { Account } from "../bot/timeline.ts";

const count = new Intl.NumberFormat("en");

/** What an answer has used, in small print; nothing where the model does not tell. */
export function UsageLine({ account: { usage, cost, currency } }: { account: Account }) {
  if (!usage) return null;
  const tokens = `${count.format(usage.input_tokens)} tokens in, ${count.format(usage.output_tokens)} out`;
  return (
    <p data-testid="usage" className="text-muted-foreground text-xs">
      {typeof cost === "number" ? `${tokens} · ${formatCost(cost)} ${currency ?? ""}` : tokens}
    </p>
  );
}

/** Two digits of what it is, however little. */
function formatCost(cost: number): string {
  return cost >= 0.01 || cost === 0 ? cost.toFixed(2) : cost.toPrecision(2);
}
