import type { ModelConfig } from "../workspace/config.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const PATIENCE_MS = 5000;
const OPENAI_BASE = "https://api.openai.com/v1";

/** Asks the provider for its list of models: cheap, and it tells whether address and key are right. */
export async function checkModel(llm: ModelConfig): Promise<Finding> {
  if (llm.provider === "offline") {
    return ok("model", "offline model: scripted answers; for a real one set llm in config.user.yaml");
  }
  const base = (llm.api_base ?? OPENAI_BASE).replace(/\/+$/, "");
  try {
    const { status } = await fetch(`${base}/models`, {
      headers: llm.api_key === undefined ? {} : { Authorization: `Bearer ${llm.api_key}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return judge(llm, status);
  } catch (cause) {
    return problem(
      "model",
      `${llm.provider} cannot be reached at ${base} (${reasonOf(cause)}); check llm.api_base and the network`,
    );
  }
}

function judge({ provider, model }: ModelConfig, status: number): Finding {
  if (status === 200) return ok("model", `${provider} answers (${model})`);
  if (status === 401 || status === 403)
    return problem("model", `${provider} refuses the key (${status}); check llm.api_key`);
  return warning(
    "model",
    `${provider} answers, but does not list its models (${status}); send a message to see whether ${model} works`,
  );
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return `no answer within ${PATIENCE_MS / 1000} s`;
  const { code } = (cause.cause ?? cause) as { code?: unknown };
  return typeof code === "string" ? code : cause.message;
}
