import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCrashLoop } from "../src/crash-loop/crash-loop.ts";
import type { Verdict } from "../src/ledger/ledger.ts";
import { prepareServerCommand } from "../src/server/server-command.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

/** The counts that are not zero after a short crash loop against the mutant. */
async function findBroken(mutation: string, seed = 7): Promise<(keyof Verdict)[]> {
  const workspaceDir = mkdtempSync(join(tmpdir(), "my-bot-mutant-"));
  const program = join(import.meta.dirname, "mutant-server.ts");
  await using server = await prepareServerCommand({
    command: `"${process.execPath}" "${program}" {port} "{workspace}" "${mutation}"`,
    workspaceDir,
  });
  const faults = { kills: 5, terms: 1, drops: 6, messages: 150, seed, calmMs: 600, settleMs: 2500 };
  const { verdict } = await runCrashLoop({ server, rawOnly: true, ...faults });
  await server.kill();
  rmSync(workspaceDir, { recursive: true, force: true });
  return (Object.keys(verdict) as (keyof Verdict)[]).filter((name) => verdict[name] > 0);
}

const MUTATIONS: [mutation: string, caughtAs: keyof Verdict][] = [
  ["acknowledges before it stores", "lostAcked"],
  ["forgets on restart", "lostAcked"],
  ["does not deduplicate", "doubled"],
  ["answers twice", "answeredTwice"],
  ["never answers some", "neverAnswered"],
  ["forgets open runs", "neverAnswered"],
  ["mixes up answers", "wronglyAnswered"],
  ["swallows messages", "stillUnacked"],
  ["shows before it stores", "ghosts"],
  ["reuses ids", "idReused"],
  ["drops from the replay", "subGaps"],
  ["has a seam after the replay", "subGaps"],
  ["repeats in the replay", "subDoubles"],
  ["reorders the replay", "subDisorder"],
  ["lets messages overtake", "senderDisorder"],
  ["repeats a piece of text", "textsBroken"],
  ["starts over a stale lock only at the second try", "failedStarts"],
  ["stops with an error", "termNotClean"],
];

describe.concurrent("the crash loop against servers with one planted bug each", () => {
  test("[BUS1] a server without a planted bug passes", async () => {
    expect(await findBroken("")).toEqual([]);
  }, 120_000);

  test.each(MUTATIONS)(
    "[BUS1] [BUS4] [RUN2] a server that %s is caught: %s",
    { timeout: CATCH_LIMIT_MS },
    async (mutation, caughtAs) => {
      expect(await catchPlanted(caughtAs, (seed) => findBroken(mutation, seed))).toContain(caughtAs);
    },
  );
});
