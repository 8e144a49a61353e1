import OpenAI from "openai";
import type { ModelConfig } from "../../workspace/config.ts";

const TOKEN_LIMITS = ["max_tokens", "max_completion_tokens"] as const;

type Parameter = (typeof TOKEN_LIMITS)[number] | "temperature" | "stream_options";
type Parameters = Pick<OpenAI.ChatCompletionCreateParamsStreaming, Parameter>;

/** The parameters that not every provider takes: those that a model has refused are never sent to it again (SPEC LLM3). */
export class RequestDialect {
  readonly #config: ModelConfig;
  readonly #refused = new Map<string, Set<Parameter>>(); // by model

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  parametersFor(model: string): Parameters {
    const { temperature, max_tokens, api_base } = this.#config;
    const refused = this.#refused.get(model);
    // OpenAI's newer models refuse the old name, many other providers do not know the new one
    const names = api_base ? TOKEN_LIMITS : TOKEN_LIMITS.toReversed();
    const limit = names.find((name) => !refused?.has(name));
    return {
      ...(limit && { [limit]: max_tokens }),
      ...(!refused?.has("temperature") && { temperature }),
      ...(!refused?.has("stream_options") && { stream_options: { include_usage: true } }),
    };
  }

  /** Takes note of a parameter that was refused; false: the failure is about something else. */
  learn(model: string, cause: unknown): boolean {
    const parameter = refusedParameter(cause, this.parametersFor(model));
    if (parameter === undefined) return false;
    const refused = this.#refused.get(model) ?? new Set();
    this.#refused.set(model, refused.add(parameter));
    return true;
  }
}

const REFUSAL =
  /unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|not recogni[sz]ed|deprecated|only the default|only \d+ is allowed|extra_forbidden/i;

/** By the error's `param`, or else the first of what was sent that its message names: a message may name the remedy too. */
function refusedParameter(cause: unknown, sent: Parameters): Parameter | undefined {
  if (!(cause instanceof OpenAI.APIError) || ![400, 422].includes(cause.status ?? 0)) return undefined;
  const { message, param, code } = cause;
  if (!REFUSAL.test(`${code} ${message}`)) return undefined;
  const names = [...TOKEN_LIMITS, "temperature", "stream_options"] as const;
  const candidates = names.filter((name) => name in sent);
  const named = candidates
    .map((name) => ({ name, at: message.search(new RegExp(`\\b${name}\\b`)) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return candidates.find((name) => name === param) ?? named[0]?.name;
}
