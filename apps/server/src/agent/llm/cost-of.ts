import type { Usage } from "@my-bot/protocol";
import type { PricesConfig } from "../../workspace/config.ts";
import type { Cost } from "../language-model.ts";

/** What a turn cost; null when its tokens or their prices are not known. */
export function costOf(usage: Usage | null, prices: PricesConfig | undefined): Cost | null {
  if (usage === null || prices === undefined) return null;
  const { input, output, cached_input = input, currency } = prices;
  const { input_tokens, output_tokens, cached_input_tokens: cached = 0 } = usage;
  return {
    amount: ((input_tokens - cached) * input + cached * cached_input + output_tokens * output) / 1_000_000,
    currency,
  };
}
