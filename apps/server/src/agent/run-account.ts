import type { Usage } from "@my-bot/protocol";
import type { Cost, ModelFinish } from "./language-model.ts";

/** What the turns of a run took, summed up; null while no turn has told. */
export interface RunAccount {
  usage: Usage | null;
  cost: Cost | null;
  /** Which one answered last. */
  model: string | null;
}

export const newAccount = (): RunAccount => ({ usage: null, cost: null, model: null });

export function addTurn(account: RunAccount, { usage, cost, model }: ModelFinish): void {
  account.usage = addUsage(account.usage, usage);
  if (cost) account.cost = { ...cost, amount: (account.cost?.amount ?? 0) + cost.amount };
  account.model = model;
}

function addUsage(sum: Usage | null, usage: Usage | null): Usage | null {
  if (sum === null || usage === null) return sum ?? usage;
  const cached = [sum, usage].flatMap(({ cached_input_tokens: tokens }) => tokens ?? []);
  return {
    input_tokens: sum.input_tokens + usage.input_tokens,
    output_tokens: sum.output_tokens + usage.output_tokens,
    ...(cached.length > 0 && { cached_input_tokens: cached.reduce((a, b) => a + b) }),
  };
}
