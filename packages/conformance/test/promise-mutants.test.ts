import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RunReport } from "../src/ledger/run-report.ts";
import { runBusySession } from "../src/promises/busy-session.ts";
import { runBadCursors } from "../src/promises/cursors.ts";
import { runIdempotence } from "../src/promises/idempotence.ts";
import { runReconnects } from "../src/promises/reconnects.ts";
import { runWalGrowth } from "../src/promises/wal-growth.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

const silent = (): void => undefined;
const patienceMs = 2500;

/** Each run at a size of some seconds. */
const RUNS = {
  idempotence: (command: string, seed: number) =>
    runIdempotence({ command, ids: 20, copies: 8, sockets: 4, kills: 2, seed, patienceMs }, silent),
  reconnects: (command: string, seed: number) =>
    runReconnects(
      {
        command,
        events: 300,
        perSecond: 400,
        subscribers: 6,
        reconnects: 4,
        seed,
        rawOnly: true,
        settleMs: patienceMs,
      },
      silent,
    ),
  cursors: (command: string) =>
    runBadCursors({ command, messages: 3, rounds: 1, withoutPruning: true, patienceMs }, silent),
  busySession: (command: string) =>
    runBusySession({ command, messages: 20, turnMs: 500, others: 4, questions: 2, patienceMs }, silent),
  walGrowth: (command: string) => runWalGrowth({ command, megabytes: 2, patienceMs }, silent),
} satisfies Record<string, (command: string, seed: number) => Promise<RunReport>>;

async function findBroken(run: keyof typeof RUNS, mutation: string, seed = 7): Promise<string[]> {
  const program = join(import.meta.dirname, "mutant-server.ts");
  const command = `"${process.execPath}" "${program}" {port} {workspace}/.event "${mutation}"`;
  const { verdict } = await RUNS[run](command, seed);
  return Object.keys(verdict).filter((name) => verdict[name] !== 0);
}

const MUTATIONS: [run: keyof typeof RUNS, mutation: string, caughtAs: string][] = [
  ["idempotence", "does not deduplicate", "extraEvents"],
  ["idempotence", "forgets the oldest on restart", "lostEvents"],
  ["idempotence", "changes contents", "changedContents"],
  ["idempotence", "answers duplicates with a new cursor", "differingReceipts"],
  ["idempotence", "calls duplicates new", "twiceNew"],
  ["idempotence", "does not answer duplicates", "missedReceipts"],
  ["idempotence", "accepts conflicts", "conflictsAccepted"],
  ["idempotence", "names conflicts wrongly", "conflictsUnnamed"],
  ["idempotence", "tells duplicates to everyone", "strangersTold"],
  ["reconnects", "drops from the replay", "subGaps"],
  ["reconnects", "has a seam after the replay", "subGaps"],
  ["reconnects", "repeats in the replay", "subDoubles"],
  ["reconnects", "reorders the replay", "subDisorder"],
  ["reconnects", "reorders the replay", "orderBroken"],
  ["reconnects", "invents live events", "ghosts"],
  ["reconnects", "changes events in the replay", "idReused"],
  ["cursors", "is silent about bad cursors", "silent"],
  ["cursors", "hesitates over bad cursors", "late"],
  ["cursors", "mixes up reasons", "wrong"],
  ["cursors", "goes on in the middle after a gap", "wrong"],
  ["cursors", "closes refused sockets as if all was well", "wrong"],
  ["busySession", "never answers some", "dropped"],
  ["busySession", "answers twice", "answeredTwice"],
  ["busySession", "mixes up answers", "wronglyAnswered"],
  ["busySession", "answers out of order", "outOfOrder"],
  ["busySession", "lets sessions wait for each other", "blocked"],
  ["busySession", "does not abort", "notStopped"],
  ["busySession", "goes on asking the model", "stillAsking"],
  ["busySession", "loses what waits behind a stopped run", "stuckBehind"],
  ["walGrowth", "lets its write-ahead log grow", "walTooLong"],
  ["walGrowth", "hangs up on readers", "readerLost"],
  ["walGrowth", "drops live events", "subGaps"],
  ["walGrowth", "repeats live events", "subDoubles"],
  ["walGrowth", "reorders live events", "subDisorder"],
  ["walGrowth", "invents live events", "ghosts"],
  ["walGrowth", "never answers some", "neverAnswered"],
];

describe.concurrent("the runs against servers with one planted bug each", () => {
  test.each(Object.keys(RUNS) as (keyof typeof RUNS)[])(
    "[BUS1] a server without a planted bug passes the run %s",
    async (run) => {
      expect(await findBroken(run, "")).toEqual([]);
    },
    120_000,
  );

  test.each(MUTATIONS)(
    "[BUS1] [BUS4] [BUS6] [RPC1] [RUN1] in the run %s a server that %s is caught: %s",
    { timeout: CATCH_LIMIT_MS },
    async (run, mutation, caughtAs) => {
      expect(await catchPlanted(caughtAs, (seed) => findBroken(run, mutation, seed))).toContain(caughtAs);
    },
  );
});
