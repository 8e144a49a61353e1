import { isIP } from "node:net";
import type { Config, LlmConfig, ModelConfig } from "./config.ts";
import { findWebsearchProblem } from "./web-config.ts";

type MakeFault = (path: readonly PropertyKey[], reason: string) => Error;

const OFFLINE_HINT = "or set llm.provider to offline";

/** What the schema cannot say: rules that join several keys. Throws what `fault` makes. */
export function checkConfig({ llm, api, websearch }: Config, fault: MakeFault): void {
  const problem = findLlmProblem(llm);
  if (problem) throw fault(["llm", ...problem.path], problem.reason);
  const searchProblem = websearch && findWebsearchProblem(websearch);
  if (searchProblem) throw fault(["websearch", searchProblem.key], searchProblem.reason);
  if (api.token !== undefined && isPlaceholder(api.token)) {
    throw fault(
      ["api", "token"],
      "is a placeholder; write a random text of at least 24 characters, or remove the line",
    );
  }
  if (api.token === undefined && !isLoopback(api.host)) {
    throw fault(["api", "host"], `${api.host} can be reached from other machines: set api.token, or use 127.0.0.1`);
  }
}

/** Why one of the providers could not be asked with these settings; `undefined` when all could. */
export function findLlmProblem(llm: LlmConfig): { path: readonly PropertyKey[]; reason: string } | undefined {
  const { fallbacks, ...first } = llm;
  for (const [index, model] of [first, ...fallbacks].entries()) {
    const path = index === 0 ? [] : ["fallbacks", index - 1];
    const problem = findModelProblem(model) ?? findPriceProblem(model, llm);
    if (problem) return { path: [...path, ...problem.key.split(".")], reason: problem.reason };
    if (index === 0 && model.provider === "offline") return undefined; // nothing else is asked then
  }
  return undefined;
}

/** Costs of a run are added up, so they have to be in one currency. */
function findPriceProblem({ prices }: ModelConfig, llm: LlmConfig): { key: string; reason: string } | undefined {
  const { currency } = [llm, ...llm.fallbacks].find((model) => model.prices)?.prices ?? {};
  if (prices === undefined || prices.currency === currency) return undefined;
  return {
    key: "prices.currency",
    reason: `is ${prices.currency}, but other prices are in ${currency}; use one currency`,
  };
}

function findModelProblem(llm: ModelConfig): { key: string; reason: string } | undefined {
  const { provider, model, api_key: apiKey, api_base: apiBase } = llm;
  if (provider === "offline") return undefined;
  if (apiKey !== undefined && isPlaceholder(apiKey)) {
    return { key: "api_key", reason: `is still a placeholder; write your key from ${provider} here, ${OFFLINE_HINT}` };
  }
  if (apiKey === undefined && apiBase === undefined) {
    return { key: "api_key", reason: `is missing; write your key from ${provider} here, ${OFFLINE_HINT}` };
  }
  if (apiBase === undefined && provider !== "openai") {
    return {
      key: "api_base",
      reason: `is missing; write the address of the OpenAI-compatible API of ${provider} (only openai has a built-in one)`,
    };
  }
  if (model === "offline") return { key: "model", reason: `is missing; write the name of a model of ${provider}` };
  return undefined;
}

/** Text that stands where a secret belongs: empty, a failed template, or an example's own words. */
export function isPlaceholder(secret: string): boolean {
  const text = secret.trim().toLowerCase();
  if (/^(|undefined|null|none|todo|token|secret|changeme|change-me|x{3,})$/.test(text)) return true;
  return /^<.*>$|your[-_ ]|[-_ ]here$|^sk-(\.{3}|…|x+)$/.test(text);
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}
