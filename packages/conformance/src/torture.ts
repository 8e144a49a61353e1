import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type CrashLoopResult, runCrashLoop } from "./crash-loop.ts";
import { createRandom } from "./random.ts";
import { startScriptedModel } from "./scripted-model.ts";
import { parseCommand, prepareServerCommand } from "./server-command.ts";
import { formatFacts, formatVerdict } from "./table.ts";
import { createWorkspace } from "./workspace.ts";

export interface TortureOptions {
  readonly command: string;
  readonly template?: string | undefined;
  readonly kills: number;
  readonly terms: number;
  readonly drops: number;
  readonly messages: number;
  readonly seed: number;
  readonly diskFull?: { readonly command: string; readonly times: number } | undefined;
}

/** Limits so high that nothing is refused but what the faults break. */
const API = { limits: { messages_per_second: 100_000, queued_messages: 100_000 } };

/** The crash loop against a server with a scripted model, in a workspace of its own. */
export async function tortureServer(options: TortureOptions, say: (line: string) => void): Promise<CrashLoopResult> {
  const { command, template, diskFull, ...counts } = options;
  await using model = await startScriptedModel(createRandom(options.seed + 100));
  const llm = { provider: "openai", model: "scripted", api_key: "sk-test-1234567890", api_base: model.baseUrl };
  using workspace = createWorkspace({ template, config: { llm, api: API } });
  await using server = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  return await runCrashLoop({
    ...counts,
    server,
    onProgress: say,
    diskFull: diskFull && {
      times: diskFull.times,
      set: async (isFull) => {
        const [file = "", ...args] = parseCommand(diskFull.command);
        await promisify(execFile)(file, [...args, isFull ? "on" : "off"]);
      },
    },
  });
}

/** Prints what came out. The exit code: 0 only if nothing was broken. */
export async function runTorture(options: TortureOptions, say: (line: string) => void): Promise<number> {
  say(`crash loop with seed ${options.seed}`);
  const { verdict, isClean, facts } = await tortureServer(options, say);
  say(formatFacts(facts));
  say(formatVerdict(verdict));
  say(isClean ? "clean" : `broken; the same faults again: --seed ${options.seed}`);
  return isClean ? 0 : 1;
}
