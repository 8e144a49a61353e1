import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startFaultyModel } from "../model/faulty-model.ts";
import { KEY } from "./model-fault-case.ts";

export const FIRST_BYTE_MS = 1000;
export const IDLE_MS = 1000;

/** Short timeouts, so that the bounds of a turn are seconds. */
export const LLM = {
  api_key: KEY,
  timeouts: { first_byte: FIRST_BYTE_MS / 1000, idle: IDLE_MS / 1000, total: 10 },
};

/** The agents that the cases name: each with the same model, but patience or an address of its own. */
export async function writeAgents(dir: string): Promise<void> {
  const closed = await startFaultyModel(() => undefined);
  await closed[Symbol.asyncDispose]();
  const agents = {
    pickle: {},
    patient: { timeouts: { first_byte: 10, idle: 10, total: 120 } },
    refused: { api_base: closed.baseUrl },
    nameless: { api_base: "http://no-such-host.invalid/v1" },
  };
  for (const [name, llm] of Object.entries(agents)) {
    const fields = { name, description: "Answers", max_concurrency: 1000, llm };
    mkdirSync(join(dir, "agents", name), { recursive: true });
    writeFileSync(join(dir, "agents", name, "AGENT.md"), `---\n${JSON.stringify(fields)}\n---\nYou are ${name}.\n`);
  }
}
