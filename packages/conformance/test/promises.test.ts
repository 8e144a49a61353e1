import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunReport } from "../src/ledger/run-report.ts";
import { runBusySession } from "../src/promises/busy-session.ts";
import { runBadCursors } from "../src/promises/cursors.ts";
import { runIdempotence } from "../src/promises/idempotence.ts";
import { runReconnects } from "../src/promises/reconnects.ts";
import { runWalGrowth } from "../src/promises/wal-growth.ts";

const BIN = join(import.meta.dirname, "../../../apps/server/bin/my-bot.js");
const command = `"${process.execPath}" "${BIN}" server -w {workspace} --port {port}`;
const LIMIT_MS = 180_000; // some 10 s on a quiet machine

function brokenCounts({ verdict }: RunReport): [string, number][] {
  return Object.entries(verdict).filter(([, count]) => count !== 0);
}

const say = (): void => undefined;

test(
  "[BUS2] [RPC1] [WS3] [WS4] copies of a message at once, at both doors and across kill -9, are one event with one receipt (P4)",
  async () => {
    const report = await runIdempotence({ command, ids: 100, copies: 20, sockets: 8, kills: 3, seed: 20_263 }, say);
    expect(brokenCounts(report)).toEqual([]);
    expect(report.facts.receipts).toBeGreaterThan(2000);
  },
  LIMIT_MS,
);

test(
  "[BUS4] [RPC2] [WS6] readers that reconnect at random instants under load miss nothing and get nothing twice (P5)",
  async () => {
    const sizes = { events: 2000, perSecond: 1000, subscribers: 12, reconnects: 10 };
    const report = await runReconnects({ command, ...sizes, seed: 20_264 }, say);
    expect(brokenCounts(report)).toEqual([]);
    expect(report.facts).toMatchObject({ reconnects: 120 });
  },
  LIMIT_MS,
);

test(
  "[BUS6] [WS6] [RPC2] a cursor that cannot be resumed is told within a second, at each door (P6)",
  async () => {
    const report = await runBadCursors({ command, messages: 5, rounds: 1, patienceMs: 15_000 }, say);
    const { late, ...verdict } = report.verdict; // a busy machine may be late
    expect(brokenCounts({ ...report, verdict })).toEqual([]);
    expect(late).toBeLessThan(10);
    expect(report.facts.questions).toBeGreaterThan(80);
  },
  LIMIT_MS,
);

test(
  "[RUN1] [RUN2] [RUN12] [RPC4] messages during a long turn are answered in order, and a hanging session holds up no other (P19)",
  async () => {
    const sizes = { messages: 60, turnMs: 2000, others: 10, questions: 5 };
    const report = await runBusySession({ command, ...sizes }, say);
    expect(brokenCounts(report)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "[BUS7] [BUS21] a reader that stands still during a load lets no write-ahead log grow, and then gets it all (P9, P14)",
  async () => {
    const report = await runWalGrowth({ command, megabytes: 40 }, say);
    expect(brokenCounts(report)).toEqual([]);
    expect(report.facts.sentMiB).toBeGreaterThan(39);
  },
  LIMIT_MS,
);
