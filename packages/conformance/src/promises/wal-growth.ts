import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { judge, type SeenEvent } from "../ledger/ledger.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { startPacedModel } from "../model/paced-model.ts";
import { answerTo } from "../model/scripted-model.ts";
import { startServerUnderTest } from "../server/server-under-test.ts";
import { openRawCopies } from "../wire/copy-line.ts";
import { readLog } from "../wire/read-log.ts";
import { isDurable, text, toSeen, type WireEvent } from "../wire/wire-event.ts";

export interface WalGrowthOptions {
  readonly command: string;
  /** So much is written while a reader does not read. */
  readonly megabytes: number;
  /** How long an answer, or the reader at the end, may take; 60 s unless told. */
  readonly patienceMs?: number | undefined;
}

const MIB = 1024 * 1024;
const WAL_MIB = 64;
const MARGIN_MIB = 8; // what is written until the server has noticed
const LOOK_MS = 50;
const CONTENT_CHARS = 60_000;
const AT_ONCE = 8;
const PATIENCE_MS = 60_000;
const PING_SECONDS = 600; // a reader that does not read answers no ping either

/** A reader that stands still during a heavy load: the write-ahead log stays bounded, and the reader then gets it all. */
export async function runWalGrowth(options: WalGrowthOptions, say: Say): Promise<RunReport> {
  await using model = await startPacedModel();
  const api = { ping_seconds: PING_SECONDS };
  await using server = await startServerUnderTest({ command: options.command, modelUrl: model.baseUrl, api });
  const reader = await openReader(server.port);
  reader.pause();
  const wal = watchWal(server.dir);
  const startedAt = performance.now();
  const sent = await load(options, server.port, say);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const maxWalMiB = wal.stop() / MIB;
  const log = await readLog(server.port);
  reader.resume();
  await waitForEnd(options, reader.seen, log.at(-1)?.cursor);
  reader.close();
  const subscribers = [{ name: "reader", seen: reader.seen }];
  const { subGaps, subDoubles, subDisorder, ghosts, neverAnswered } = judge({
    ...{ sent: [], subscribers, log, answerTo, failedStarts: 0, termNotClean: 0, textsBroken: 0 },
  });
  return {
    verdict: {
      walTooLong: maxWalMiB > WAL_MIB + MARGIN_MIB ? 1 : 0,
      readerLost: reader.losses,
      ...{ subGaps, subDoubles, subDisorder, ghosts, neverAnswered },
    },
    facts: { maxWalMiB: Math.round(maxWalMiB * 10) / 10, sentMiB: Math.round(sent / MIB), events: log.length, seconds },
  };
}

interface PausedReader {
  readonly seen: readonly SeenEvent[];
  /** How often its connection was lost: it does not come back. */
  readonly losses: number;
  pause(): void;
  resume(): void;
  close(): void;
}

async function openReader(port: number): Promise<PausedReader> {
  const seen: SeenEvent[] = [];
  let losses = 0;
  let isClosed = false;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&after=0`);
  socket.on("message", (data) => {
    const event: WireEvent = JSON.parse(data.toString());
    if (isDurable(event)) seen.push(toSeen(text(event.cursor) ?? "", event));
  });
  socket.on("close", () => {
    if (!isClosed) losses += 1;
  });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  return {
    seen,
    get losses() {
      return losses;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => {
      isClosed = true;
      socket.terminate();
    },
  };
}

/** Looks at the size of every `*-wal` file below the folder; `stop` gives the largest in bytes. */
function watchWal(dir: string): { stop(): number } {
  let largest = 0;
  const look = (): void => {
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith("-wal")) continue;
      largest = Math.max(largest, statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return largest;
    },
  };
}

/** Large messages with answers as large, some at a time; resolves with the bytes that were sent and answered. */
async function load({ megabytes, patienceMs = PATIENCE_MS }: WalGrowthOptions, port: number, say: Say) {
  const line = await openRawCopies(port);
  const answers = await watchAnswers(port);
  const filler = "0123456789".repeat(CONTENT_CHARS / 10);
  const wanted = Math.ceil((megabytes * MIB) / (2 * CONTENT_CHARS));
  let deadline = performance.now() + patienceMs;
  for (let sent = 0, seen = 0; answers.count < wanted && performance.now() < deadline; ) {
    for (; sent < wanted && sent - answers.count < AT_ONCE; sent++) {
      // a source of its own, since a session is read whole for each answer
      const message = { source: `load-${sent}`, messageId: `m${sent}`, content: `message ${sent} ${filler}` };
      line.send(message).catch(() => undefined); // shows in the log
    }
    if (answers.count > seen) deadline = performance.now() + patienceMs;
    if (Math.floor(answers.count / 500) > Math.floor(seen / 500)) say(`${answers.count}/${wanted} messages answered`);
    seen = answers.count;
    await delay(5);
  }
  line.close();
  answers.close();
  return answers.count * 2 * CONTENT_CHARS;
}

async function watchAnswers(port: number): Promise<{ readonly count: number; close(): void }> {
  let count = 0;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  socket.on("message", (data) => {
    if (data.toString().startsWith(`{"type":"OutboundEvent"`)) count += 1;
  });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  return {
    get count() {
      return count;
    },
    close: () => socket.terminate(),
  };
}

async function waitForEnd(
  { patienceMs = PATIENCE_MS }: WalGrowthOptions,
  seen: readonly SeenEvent[],
  cursor: string | undefined,
) {
  let deadline = performance.now() + patienceMs;
  for (let before = 0; seen.at(-1)?.cursor !== cursor && performance.now() < deadline; before = seen.length) {
    if (seen.length > before) deadline = performance.now() + patienceMs;
    await delay(20);
  }
}
