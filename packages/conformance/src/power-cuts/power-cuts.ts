import { rmSync } from "node:fs";
import type { LoggedEvent, SentMessage } from "../ledger/ledger.ts";
import { createRandom } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { startScriptedModel } from "../model/scripted-model.ts";
import { configFor } from "../server/config-for.ts";
import { createWorkspace } from "../server/workspace.ts";
import { cutLife } from "./cut-life.ts";
import { readImage, writeImage } from "./disk-image.ts";
import type { DiskImage } from "./disk-model.ts";
import { ImageStarter } from "./image-starter.ts";
import { recordLife } from "./record-life.ts";

export interface PowerCutOptions {
  /** How to start the server, with {workspace} and {port}. */
  readonly command: string;
  /** Instants; at each the power is cut in three ways. */
  readonly cuts: number;
  /** At least so many messages are sent. */
  readonly messages: number;
  readonly seed: number;
  /** Images that a server does not start on are copied to this folder. */
  readonly keepDir?: string | undefined;
}

const LIVES = 3; // each but the first begins with what a power cut has left
const IDLE_MS = 25_000; // in which a server may tidy up; once

/**
 * Power cuts, simulated: a server runs under strace, which tells what it wrote, synced and sent, in order. From that the
 * disk is built as a power cut would have left it at many instants, and a server started on it. Linux only. The store
 * has to keep message ids as plain text (for `ackedBeforeSync`), and frames must not be compressed.
 */
export async function runPowerCuts(options: PowerCutOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const { command, keepDir, seed } = options;
  await using model = await startScriptedModel(createRandom(seed + 100));
  using workspace = createWorkspace({ config: configFor(model.baseUrl) });
  const starter = new ImageStarter({ command, root: workspace.dir, keepDir });
  const random = createRandom(seed);
  const verdicts: Readonly<Record<string, number>>[] = [];
  const facts: Readonly<Record<string, number>>[] = [];
  let shownBefore: readonly LoggedEvent[] = [];
  let earlier: readonly SentMessage[] = [];
  for (let number = 1; number <= LIVES; number += 1) {
    const before = readImage(workspace.dir);
    const life = await recordLife({
      command,
      workspaceDir: workspace.dir,
      name: `life${number}`,
      messages: Math.ceil(options.messages / LIVES),
      earlier,
      idleMs: number === 2 ? IDLE_MS : 0,
      random,
    });
    say(`life ${number}: ${life.sent.length} messages, ${life.processes.length} processes; now the cuts`);
    const cuts = Math.ceil(options.cuts / LIVES);
    const start = (image: DiskImage) => starter.start(image);
    const result = await cutLife({ ...life, root: workspace.dir, before, shownBefore, cuts, random, start, say });
    verdicts.push({ ...result.verdict });
    facts.push({ ...result.facts, messages: life.sent.length, processes: life.processes.length });
    if (!result.next) break; // no server has started any more
    shownBefore = result.next.shown;
    earlier = life.sent;
    rmSync(workspace.dir, { recursive: true });
    writeImage(result.next.image, workspace.dir, workspace.dir);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { verdict: sum(verdicts), facts: { ...sum(facts), starts: starter.starts, lives: LIVES, seconds } };
}

function sum(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const record of records) {
    for (const [name, count] of Object.entries(record)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
