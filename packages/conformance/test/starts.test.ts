import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStarts } from "../src/starts/starts.ts";
import { CATCH_LIMIT_MS, catchPlanted } from "./catch-planted.ts";

const ROOT = join(import.meta.dirname, "../../..");
const REAL = `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`;

test("[BUS13] [RUN3] [CLI5] the server starts again after a kill at any instant of a start, and lets no second process in (P13, P22)", async () => {
  const { verdict } = await runStarts({ command: REAL, kills: 6, pairs: 2, seed: 5 }, () => undefined);
  expect(Object.entries(verdict).filter(([, count]) => count > 0)).toEqual([]);
}, 180_000);

describe.concurrent("starts of servers with one planted bug each", () => {
  test.each([
    ["that knows no lock", "", "notRefused"],
    ["that tells a taken port with a stack", "", "unclearRefusals"],
    [
      "that starts over a stale lock only at the second try",
      "starts over a stale lock only at the second try",
      "failedStarts",
    ],
    ["that keeps a stale lock", "keeps a stale lock", "staleLockKept"],
    ["that forgets on restart", "forgets on restart", "lostAcked"],
    ["that forgets open runs", "forgets open runs", "neverAnswered"],
  ])("[BUS13] [RUN3] a server %s is caught (P13, P22)", { timeout: CATCH_LIMIT_MS }, async (_, mutation, count) => {
    const program = join(import.meta.dirname, "mutant-server.ts");
    const command = `"${process.execPath}" "${program}" {port} {workspace} "${mutation}"`;
    const kills = count === "staleLockKept" ? 0 : 6; // that one would never start again
    const caught = await catchPlanted(count, async (seed) => {
      const { verdict } = await runStarts({ command, kills, pairs: 1, seed, answerMs: 1500 }, () => undefined);
      return Object.keys(verdict).filter((name) => verdict[name] !== 0);
    });
    expect(caught).toContain(count);
  });
});
