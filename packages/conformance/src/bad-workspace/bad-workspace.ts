import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { startHealthyClient } from "../bad-input/healthy-client.ts";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { startScriptedModel } from "../model/scripted-model.ts";
import { configFor } from "../server/config-for.ts";
import { isHealthy, prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { createWorkspace } from "../server/workspace.ts";
import { text, type WireEvent } from "../wire/wire-event.ts";
import { type BadFile, WORKSPACE_FILES, type WorkspaceFile } from "./bad-workspace-cases.ts";
import { readMarks, WorkspaceEditor } from "./workspace-editor.ts";

export interface BadWorkspaceOptions {
  /** Starts the server; `{workspace}` and `{port}` are replaced. */
  readonly command: string;
  /** How long files are rewritten. */
  readonly seconds: number;
  readonly seed: number;
  /** How long the last good version may take to be in use, and the last messages to be answered; 20 s unless told. */
  readonly settleMs?: number | undefined;
}

/** What was seen while the files were rewritten. */
interface Watch {
  /** Of each file, what the requests to the model bore, newest last. */
  readonly marks: Record<WorkspaceFile, string[]>;
  readonly inbound: Set<string>; // run ids
  readonly answers: Map<string, unknown>; // run id → error
}

type Edits = Record<"goodEdits" | "badEdits" | "pauses", number>;

const PERIOD_MS = 50;
const PAUSE_MS = 500; // now and then nothing is written, so that what stands there is read
const PAUSE_SHARE = 0.08;
const BAD_SHARE = 0.6;
const SETTLE_MS = 20_000;
const GOOD = /^good-\d+$/;
/** Limits so high that nothing is refused but for what is tried here. */

/**
 * Rewrites configuration, agent and skill every 50 ms, well and badly, while a client sends messages. No run may fail for
 * it, nothing bad may reach the model, and in the end the last good version has to be in use.
 */
export async function runBadWorkspace(options: BadWorkspaceOptions, say: Say): Promise<RunReport> {
  const random = createRandom(options.seed);
  const watch: Watch = { marks: { config: [], agent: [], skill: [] }, inbound: new Set(), answers: new Map() };
  await using model = await startScriptedModel(createRandom(options.seed + 1), ({ model, messages }) => {
    const marks = readMarks(model, messages[0]?.content ?? "");
    for (const file of WORKSPACE_FILES) watch.marks[file].push(marks[file]);
  });
  const config = configFor(model.baseUrl, { llm: { model: "start" } });
  using workspace = createWorkspace({ config });
  const editor = new WorkspaceEditor(workspace.dir, config, random);
  for (const file of WORKSPACE_FILES) editor.writeGood(file);
  await using server = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  await server.start();
  return await observe({ options, editor, random, server, watch, say });
}

interface Round {
  readonly options: BadWorkspaceOptions;
  readonly editor: WorkspaceEditor;
  readonly random: Random;
  readonly server: ServerCommand;
  readonly watch: Watch;
  readonly say: Say;
}

async function observe(round: Round): Promise<RunReport> {
  const { options, editor, server, watch, say } = round;
  const settleMs = options.settleMs ?? SETTLE_MS;
  const url = `http://127.0.0.1:${server.port}`;
  using _follower = await followRuns(url, watch);
  const client = await startHealthyClient(url);
  const edits = await rewrite(round);
  const last = WORKSPACE_FILES.map((file) => ({ file, mark: editor.writeGood(file) }));
  const lateFiles = () => last.filter(({ file, mark }) => watch.marks[file].at(-1) !== mark);
  const appliedMs = await until(() => lateFiles().length === 0, settleMs);
  const late = lateFiles();
  const { hurt, healthySent } = await client.stop();
  await until(() => unanswered(watch) === 0, settleMs);
  const end = await endServer(server);
  const bad = badMarks(watch);
  const failed = [...watch.answers.values()].filter((error) => error !== null);
  const complaints = [...hurt, ...bad, ...failed.map((error) => `a run failed: ${error}`), ...late.map(describeLate)];
  for (const complaint of complaints.slice(0, 20)) say(complaint);
  return {
    verdict: {
      failedRuns: failed.length,
      unanswered: unanswered(watch),
      ...end,
      hurt: hurt.length,
      badApplied: bad.length,
      notApplied: late.length,
    },
    facts: { ...edits, sent: healthySent, answered: watch.answers.size, versionsUsed: versions(watch), appliedMs },
  };
}

async function rewrite({ editor, random, options }: Round): Promise<Edits> {
  const edits: Edits = { goodEdits: 0, badEdits: 0, pauses: 0 };
  const deadline = performance.now() + options.seconds * 1000;
  while (performance.now() < deadline) {
    const isBad = random.next() < BAD_SHARE;
    edits[isBad ? "badEdits" : "goodEdits"] += 1;
    if (isBad) editor.writeBad(random.pick(editor.badFiles as [BadFile, ...BadFile[]]));
    else editor.writeGood(random.pick(WORKSPACE_FILES));
    if (random.next() < PAUSE_SHARE) {
      edits.pauses += 1;
      // one in two finds all three good and takes them into use, the other stays refused
      if (random.next() < 0.5) for (const file of WORKSPACE_FILES) editor.writeGood(file);
      await delay(PAUSE_MS);
    }
    await delay(PERIOD_MS);
  }
  return edits;
}

function describeLate({ file, mark }: { file: WorkspaceFile; mark: string }): string {
  return `${file}: ${mark}, the last version, is not in use`;
}

/** Requests that were made from what was never whole. */
function badMarks({ marks }: Watch): string[] {
  return WORKSPACE_FILES.flatMap((file) =>
    marks[file].filter((mark) => !GOOD.test(mark)).map((mark) => `${file}: "${mark.slice(0, 100)}" was used`),
  );
}

function versions({ marks }: Watch): number {
  return WORKSPACE_FILES.reduce((sum, file) => sum + new Set(marks[file]).size, 0);
}

function unanswered({ inbound, answers }: Watch): number {
  return [...inbound].filter((runId) => !answers.has(runId)).length;
}

async function followRuns(url: string, { inbound, answers }: Watch): Promise<Disposable> {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws?events=all&after=0`);
  socket.on("message", (data) => {
    const event: WireEvent = JSON.parse(data.toString());
    const runId = text(event.run_id) ?? "";
    if (event.type === "InboundEvent") inbound.add(runId);
    if (event.type === "OutboundEvent") answers.set(runId, event.error);
  });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  socket.on("error", () => undefined); // the server died, which is counted
  return { [Symbol.dispose]: () => socket.terminate() };
}

/** One that is gone by now has died; the other has to end in order. */
async function endServer(server: ServerCommand): Promise<{ died: number; termNotClean: number }> {
  const isAlive = await isHealthy(server.port);
  const exitCode = await server.terminate();
  return { died: isAlive ? 0 : 1, termNotClean: isAlive && exitCode !== 0 ? 1 : 0 };
}

/** Resolves with the milliseconds it took, or was given. */
async function until(isDone: () => boolean, patienceMs: number): Promise<number> {
  const startedAt = performance.now();
  while (!isDone() && performance.now() - startedAt < patienceMs) await delay(20);
  return Math.round(performance.now() - startedAt);
}
