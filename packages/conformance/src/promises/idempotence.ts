import { setTimeout as delay } from "node:timers/promises";
import type { SeenEvent } from "../ledger/ledger.ts";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { type PacedModel, startPacedModel } from "../model/paced-model.ts";
import { type ServerUnderTest, startServerUnderTest } from "../server/server-under-test.ts";
import { type CopyLine, type Message, openRawCopies, openTrpcCopies, Refusal } from "../wire/copy-line.ts";
import { readLog } from "../wire/read-log.ts";
import { followRaw } from "../wire/subscriber.ts";
import { CopyTally } from "./copy-tally.ts";

export interface IdempotenceOptions {
  readonly command: string;
  /** Messages, each sent in so many copies at once. */
  readonly ids: number;
  readonly copies: number;
  /** Every second one raw, the others stock tRPC. */
  readonly sockets: number;
  /** How often the server is killed between the copies of four more messages. */
  readonly kills: number;
  readonly seed: number;
  /** How long a receipt may take; 10 s unless told. */
  readonly patienceMs?: number | undefined;
}

interface Run {
  readonly options: IdempotenceOptions;
  readonly server: ServerUnderTest;
  readonly random: Random;
  readonly tally: CopyTally;
  readonly counts: Record<"missedReceipts" | "conflictsAccepted" | "conflictsUnnamed" | "strangersTold", number>;
}

const PATIENCE_MS = 10_000;
const WAVE = 10; // messages on their way at once
const PER_SOURCE = 20; // a session is read whole for each answer
const IDS_PER_KILL = 4;
const LONGEST_PAUSE_MS = 20; // from the first copies to the kill
const NTH = 10; // of the messages is sent with other content, and by another source

/** Copies of messages at once, over all doors and across kills: one event each, and the same receipt for every copy. */
export async function runIdempotence(options: IdempotenceOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  await using model: PacedModel = await startPacedModel();
  await using server = await startServerUnderTest({ command: options.command, modelUrl: model.baseUrl });
  const counts = { missedReceipts: 0, conflictsAccepted: 0, conflictsUnnamed: 0, strangersTold: 0 };
  const random = createRandom(options.seed);
  const run: Run = { options, server, random, tally: new CopyTally(), counts };
  const observer = followRaw("observer", server.port);
  await sendCopies(run, say);
  await sendAcrossKills(run, say);
  await sendOtherContents(run);
  await sendFromOthers(run);
  const log = await readLog(server.port);
  await waitFor(run, () => observer.seen.some(({ cursor }) => cursor === log.at(-1)?.cursor));
  observer.close();
  counts.strangersTold += countRepeats(observer.seen);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return {
    verdict: { ...run.tally.judge(log), ...counts },
    facts: { messages: run.tally.messages.length, receipts: run.tally.receipts, kills: options.kills, seconds },
  };
}

async function openLines({ server }: Run, count: number): Promise<CopyLine[]> {
  const open = [openRawCopies, openTrpcCopies] as const;
  return Promise.all(Array.from({ length: count }, (_, index) => open[index % 2 === 0 ? 0 : 1](server.port)));
}

function closeLines({ counts }: Run, lines: readonly CopyLine[]): void {
  for (const line of lines) {
    counts.strangersTold += line.strangers;
    line.close();
  }
}

function createMessages({ tally }: Run, count: number): Message[] {
  return Array.from({ length: count }, () => {
    const number = tally.messages.length;
    const source = `copies-${Math.floor(number / PER_SOURCE)}`;
    const message = { source, messageId: `m${number}`, content: `message ${number}` };
    tally.expect(message);
    return message;
  });
}

async function sendCopies(run: Run, say: Say): Promise<void> {
  const { options, random } = run;
  const lines = await openLines(run, options.sockets);
  const [bystander] = await openLines(run, 1); // sends nothing, and so is told nothing
  for (let done = 0; done < options.ids; done += WAVE) {
    const wave = createMessages(run, Math.min(WAVE, options.ids - done));
    const copies = random.shuffle(wave.flatMap((message) => Array<Message>(options.copies).fill(message)));
    await Promise.all(copies.map((message, index) => deliver(run, lines[index % lines.length], message)));
    if (done % (10 * WAVE) === 0) say(`${done + wave.length}/${options.ids} ids`);
  }
  await delay(100); // what strangers are told by mistake arrives
  closeLines(run, bystander ? [...lines, bystander] : lines);
}

/** Sends one copy on a living line, which owes it a receipt. */
async function deliver(run: Run, line: CopyLine | undefined, message: Message): Promise<void> {
  const patience = delay(run.options.patienceMs ?? PATIENCE_MS, undefined, { ref: false });
  const receipt = await Promise.race([line?.send(message).catch(() => undefined), patience]);
  if (receipt) run.tally.add(message, receipt);
  else run.counts.missedReceipts += 1;
}

async function sendAcrossKills(run: Run, say: Say): Promise<void> {
  const { options, random, server, tally } = run;
  for (let kill = 0; kill < options.kills; kill++) {
    const messages = createMessages(run, IDS_PER_KILL);
    const before = await openLines(run, IDS_PER_KILL);
    for (const line of before) {
      for (const message of messages) line.send(message).then((receipt) => tally.add(message, receipt), ignoreLoss);
    }
    await delay(random.int(0, LONGEST_PAUSE_MS));
    await server.command.kill();
    await server.start();
    closeLines(run, before);
    const after = await openLines(run, IDS_PER_KILL);
    await Promise.all(after.flatMap((line) => messages.map((message) => deliver(run, line, message))));
    closeLines(run, after);
    if ((kill + 1) % 10 === 0) say(`${kill + 1}/${options.kills} kills`);
  }
}

/** The kill took it: another copy follows. */
function ignoreLoss(): void {}

/** An id that is known, with other content: refused at both doors. The log will tell whether it was stored. */
async function sendOtherContents(run: Run): Promise<void> {
  const lines = await openLines(run, 2);
  for (const message of run.tally.messages.filter((_, index) => index % NTH === 0)) {
    for (const line of lines) {
      const other = { ...message, content: `${message.content}, but other` };
      const patience = delay(run.options.patienceMs ?? PATIENCE_MS, undefined, { ref: false });
      const answer = await Promise.race([line.send(other).catch((cause: unknown) => cause), patience]);
      if (!(answer instanceof Refusal)) run.counts.conflictsAccepted += 1;
      else if (answer.code !== undefined && answer.code !== "CONFLICT") run.counts.conflictsUnnamed += 1;
    }
  }
  closeLines(run, lines);
}

/** The same ids from another source are other messages. */
async function sendFromOthers(run: Run): Promise<void> {
  const lines = await openLines(run, 2);
  const known = run.tally.messages.filter((_, index) => index % NTH === 0);
  for (const [index, { messageId }] of known.entries()) {
    const message = { source: `others-${Math.floor(index / PER_SOURCE)}`, messageId, content: `other ${index}` };
    run.tally.expect(message);
    await Promise.all(lines.map((line) => deliver(run, line, message)));
  }
  closeLines(run, lines);
}

/** Events that a reader of the log got more than once. */
function countRepeats(seen: readonly SeenEvent[]): number {
  return seen.length - new Set(seen.map(({ cursor }) => cursor)).size;
}

async function waitFor({ options }: Run, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  while (!isTrue() && performance.now() < deadline) await delay(20);
}
