import type { Say } from "../ledger/run-report.ts";
import { prepareServerCommand } from "../server/server-command.ts";
import { createWorkspace } from "../server/workspace.ts";
import { type BadInputResult, runBadInput } from "./bad-input.ts";

export interface BadInputCommandOptions {
  readonly command: string;
  readonly frames: number;
  readonly seed: number;
}

const SECRET = "sk-test-planted-9876543210";

/** The bad-input run against a server that is started for it, with a key that no answer may hold. */
export async function runBadInputCommand(options: BadInputCommandOptions, say: Say): Promise<BadInputResult> {
  const { command, frames, seed } = options;
  using workspace = createWorkspace({ config: { llm: { provider: "offline", api_key: SECRET } } });
  await using server = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  await server.start();
  const url = `http://127.0.0.1:${server.port}`;
  const secrets = [SECRET, workspace.dir];
  const { findings, verdict, facts } = await runBadInput({ url, randomFrames: frames, seed, secrets }, say);
  const notTheSame = (await server.terminate()) === 0 ? 0 : 1; // still the process that was started
  return { findings, verdict: { ...verdict, notTheSame }, facts };
}
