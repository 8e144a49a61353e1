import { join } from "node:path";
import { expect, test } from "vitest";
import { runTorture } from "../src/crash-loop/torture.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("[BUS1] [BUS2] [BUS3] [BUS4] [RUN2] [RUN3] [EV5] what is acknowledged outlives kill -9, SIGTERM and lost connections, once and in order (P1, P3, P5, P7, P8, P12, P13, P17)", async () => {
  const { verdict, facts } = await runTorture(
    {
      command: `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`,
      kills: 12,
      terms: 4,
      drops: 6,
      fulls: 0,
      messages: 500,
      seed: 20_261,
    },
    () => undefined,
  );
  expect(Object.entries(verdict).filter(([, count]) => count > 0)).toEqual([]);
  expect(facts.acknowledged).toBeGreaterThanOrEqual(500);
  expect(facts.textsCompared).toBeGreaterThan(500);
}, 180_000);
