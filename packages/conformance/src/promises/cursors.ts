import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { startPacedModel } from "../model/paced-model.ts";
import { configFor } from "../server/config-for.ts";
import { type ServerUnderTest, startServerUnderTest } from "../server/server-under-test.ts";
import { openRawCopies } from "../wire/copy-line.ts";
import { readLog } from "../wire/read-log.ts";
import { type ProbeAnswer, type ProbeDoor, probeCursor } from "./cursor-probe.ts";

export interface BadCursorsOptions {
  readonly command: string;
  /** Messages in the log before each question. */
  readonly messages: number;
  /** How often every question is asked at every door. */
  readonly rounds: number;
  /** Leaves `events.keep` out. */
  readonly withoutPruning?: boolean | undefined;
  /** How long an answer is waited for; one after more than 1 s is late. 5 s unless told. */
  readonly patienceMs?: number | undefined;
}

interface Question {
  readonly name: string;
  readonly cursor: unknown;
  /** A reason is that of a GapEvent. */
  readonly expected: "refused" | "unknown_store" | "beyond_end" | "pruned";
}

interface Run {
  readonly options: BadCursorsOptions;
  readonly server: ServerUnderTest;
  readonly modelUrl: string;
  readonly say: Say;
  readonly counts: { silent: number; late: number; wrong: number };
  readonly asked: { questions: number; slowestMs: number };
  sent: number;
}

const DOORS: readonly ProbeDoor[] = ["raw", "rpc", "sse"];
const TEXT_DOORS: readonly ProbeDoor[] = ["rpc again", "sse again"]; // which take a text only, and none as no cursor
const PATIENCE_MS = 5000;
const LATE_MS = 1000;
const STORE_FOLDER = ".event";
const KEEP_MEGABYTES = 0.01;

/** Cursors that cannot be resumed, malformed ones and those of a store that is no longer there: never silence. */
export async function runBadCursors(options: BadCursorsOptions, say: Say): Promise<RunReport> {
  await using model = await startPacedModel();
  await using server = await startServerUnderTest({ command: options.command, modelUrl: model.baseUrl });
  const counts = { silent: 0, late: 0, wrong: 0 };
  const asked = { questions: 0, slowestMs: 0 };
  const run: Run = { options, server, modelUrl: model.baseUrl, say, counts, asked, sent: 0 };
  const end = await fillLog(run);
  await askAll(run, malformed(end));
  await askAll(run, [{ name: "far in the future", cursor: withNumber(end, 10 ** 9), expected: "beyond_end" }]);
  await askAfterRestore(run);
  await askAfterWipe(run);
  if (!options.withoutPruning) await askAfterPruning(run);
  return { verdict: counts, facts: { questions: asked.questions, slowestMs: Math.round(asked.slowestMs) } };
}

function malformed(end: string): Question[] {
  const texts = [
    "abc",
    "-1",
    "1e30",
    "{}",
    "",
    " ",
    "0x10",
    `${end}x`,
    `${end}.`,
    withNumber(end, 1e40),
    "9".repeat(150),
  ];
  const values = [-1, 1e30, {}, [], true];
  return [...texts, ...values].map((cursor) => ({
    name: `the cursor ${JSON.stringify(cursor)}`,
    cursor,
    expected: "refused",
  }));
}

/** What a store gave, with another number at its end. */
function withNumber(cursor: string, number: number): string {
  return cursor.replace(/\d+$/, BigInt(number).toString());
}

/** The folder of the store is put back to what it was some messages ago. */
async function askAfterRestore(run: Run): Promise<void> {
  const { server } = run;
  const store = join(server.dir, STORE_FOLDER);
  const copy = join(server.dir, "copy-of-the-store");
  await whileStopped(run, () => cpSync(store, copy, { recursive: true }));
  const cursor = await fillLog(run);
  await whileStopped(run, () => {
    rmSync(store, { recursive: true });
    cpSync(copy, store, { recursive: true });
  });
  await askAll(run, [{ name: "behind the end of an older copy", cursor, expected: "beyond_end" }]);
}

async function askAfterWipe(run: Run): Promise<void> {
  const cursor = await fillLog(run);
  await whileStopped(run, () => rmSync(join(run.server.dir, STORE_FOLDER), { recursive: true }));
  const question: Question = { name: "of a store that was wiped", cursor, expected: "unknown_store" };
  await askAll(run, [question]); // of an empty store
  await fillLog(run);
  await askAll(run, [question]);
}

async function askAfterPruning(run: Run): Promise<void> {
  await fillLog(run);
  const [, second] = await readLog(run.server.port);
  const config = configFor(run.modelUrl, { events: { keep: { megabytes: KEEP_MEGABYTES } } });
  await whileStopped(run, () => writeFileSync(join(run.server.dir, "config.user.yaml"), JSON.stringify(config)));
  const deadline = performance.now() + (run.options.patienceMs ?? PATIENCE_MS);
  const isKept = async (): Promise<boolean> =>
    (await readLog(run.server.port)).some(({ type, cursor }) => type === "InboundEvent" && cursor === second?.cursor);
  while (performance.now() < deadline && (await isKept()));
  await askAll(run, [{ name: "before what is kept", cursor: second?.cursor, expected: "pruned" }]);
}

/** Sends messages and waits a while for their answers. Resolves with the last cursor of the log. */
async function fillLog(run: Run): Promise<string> {
  const deadline = performance.now() + (run.options.patienceMs ?? PATIENCE_MS);
  const { port } = run.server;
  const line = await openRawCopies(port);
  for (let n = 0; n < run.options.messages; n++) {
    run.sent += 1;
    await line.send({ source: "cursors", messageId: `m${run.sent}`, content: `message ${run.sent}` });
  }
  line.close();
  for (;;) {
    const log = await readLog(port);
    const count = (wanted: string): number => log.filter(({ type }) => type === wanted).length;
    const isQuiet = count("OutboundEvent") === count("InboundEvent");
    if (isQuiet || performance.now() > deadline) return log.at(-1)?.cursor ?? "";
  }
}

async function whileStopped({ server }: Run, change: () => void): Promise<void> {
  await server.command.terminate();
  change();
  await server.start();
}

async function askAll(run: Run, questions: readonly Question[]): Promise<void> {
  const { port } = run.server;
  const patienceMs = run.options.patienceMs ?? PATIENCE_MS;
  const log = (await readLog(port)).map(({ cursor }) => cursor);
  for (const { name, cursor, expected } of questions) {
    const isText = typeof cursor === "string" && cursor.trim() !== "";
    const doors = isText ? [...DOORS, ...TEXT_DOORS] : DOORS;
    for (const door of Array.from({ length: run.options.rounds }, () => doors).flat()) {
      const answer = await probeCursor(door, { port, cursor, patienceMs });
      run.asked.questions += 1;
      if (answer.told !== "silent") run.asked.slowestMs = Math.max(run.asked.slowestMs, answer.afterMs);
      const fault = findFault(answer, { door, expected, log });
      if (fault === undefined) continue;
      run.counts[fault] += 1;
      run.say(`${fault}: ${name} at ${door}: expected ${expected}, got ${answer.told} ${answer.reason ?? ""}`);
    }
  }
}

interface Expectation {
  readonly door: ProbeDoor;
  readonly expected: Question["expected"];
  readonly log: readonly string[];
}

function findFault(answer: ProbeAnswer, { door, expected, log }: Expectation): keyof Run["counts"] | undefined {
  if (answer.told === "silent") return "silent";
  const isRight =
    expected === "refused"
      ? answer.told === "refused" && (door !== "raw" || answer.closeCode === 1008)
      : answer.told === "gap" && answer.reason === expected && answer.rest.join() === log.join();
  if (!isRight) return "wrong";
  return answer.afterMs > LATE_MS ? "late" : undefined;
}
