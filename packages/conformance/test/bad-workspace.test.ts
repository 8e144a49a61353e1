import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runBadWorkspace } from "../src/bad-workspace/bad-workspace.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("[WSP7] [WSP8] [WSP11] files rewritten every 50 ms, well and badly, fail no run, and the last good version is in use (P23)", async () => {
  const complaints: string[] = [];
  const command = `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`;
  const options = { command, seconds: 8, seed: 20_263 };
  const { verdict, facts } = await runBadWorkspace(options, (line) => complaints.push(line));
  expect(complaints).toEqual([]);
  expect(Object.entries(verdict).filter(([, count]) => count > 0)).toEqual([]);
  expect(facts.badEdits).toBeGreaterThan(30);
  expect(facts.answered).toBeGreaterThan(50);
  expect(facts.versionsUsed).toBeGreaterThan(6); // more than the first and the last of each file
}, 120_000);

const MUTATIONS: [mutation: string, caughtAs: string][] = [
  ["fails runs", "failedRuns"],
  ["answers nothing", "unanswered"],
  ["dies of what is bad", "died"],
  ["stops with an error", "termNotClean"],
  ["sends everyone away", "hurt"],
  ["uses what is bad", "badApplied"],
  ["never reads again", "notApplied"],
];

describe.concurrent("the run against servers with one planted bug each", () => {
  /** The counts that are not zero. */
  async function findBroken(mutation: string, seed = 5): Promise<string[]> {
    const program = join(import.meta.dirname, "reloading-server.ts");
    const command = `"${process.execPath}" "${program}" {port} "{workspace}" "${mutation}"`;
    const { verdict } = await runBadWorkspace({ command, seconds: 3, seed, settleMs: 3000 }, () => undefined);
    return Object.keys(verdict).filter((name) => verdict[name] !== 0);
  }

  test("[WSP8] a server without a planted bug passes (P23)", async () => {
    expect(await findBroken("")).toEqual([]);
  }, 120_000);

  test.each(MUTATIONS)(
    "[WSP8] a server that %s is caught: %s (P23)",
    { timeout: CATCH_LIMIT_MS },
    async (mutation, caughtAs) => {
      expect(await catchPlanted(caughtAs, (seed) => findBroken(mutation, seed))).toContain(caughtAs);
    },
  );
});
