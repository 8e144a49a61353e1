import { createRandom } from "../ledger/random.ts";
import type { Say } from "../ledger/run-report.ts";
import { startScriptedModel } from "../model/scripted-model.ts";
import { configFor } from "../server/config-for.ts";
import { prepareServerCommand } from "../server/server-command.ts";
import { createWorkspace } from "../server/workspace.ts";
import { type CrashLoopResult, runCrashLoop } from "./crash-loop.ts";

export interface TortureOptions {
  readonly command: string;
  readonly template?: string | undefined;
  readonly kills: number;
  readonly terms: number;
  readonly drops: number;
  /** Phases with a full disk; more than 0 puts the workspace on a disk of its own, which takes root. */
  readonly fulls: number;
  readonly messages: number;
  readonly seed: number;
}

const DISK_MEGABYTES = 384; // room for the log of 20 000 messages, and its write-ahead log

/** The crash loop against a server with a scripted model, in a workspace of its own. */
export async function runTorture(options: TortureOptions, say: Say): Promise<CrashLoopResult> {
  const { command, template, fulls, ...counts } = options;
  await using model = await startScriptedModel(createRandom(options.seed + 100));
  const diskMegabytes = fulls > 0 ? DISK_MEGABYTES : undefined;
  using workspace = createWorkspace({ template, config: configFor(model.baseUrl), diskMegabytes });
  await using server = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  const fullDisk = workspace.disk && { disk: workspace.disk, times: fulls };
  return await runCrashLoop({ ...counts, server, fullDisk, onProgress: say });
}
