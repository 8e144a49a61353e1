import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const SPEC = readFileSync(join(ROOT, "packages/protocol/SPEC.md"), "utf8");
const rules = new Set([...SPEC.matchAll(/^\| ([A-Z]+\d+) \|/gm)].map(([, id = ""]) => id));

/** Titles of all tests: the first string of `test(…)` or behind `test.each(…)`. */
const titles = globSync("{packages,apps}/*/test/**/*.test.ts", { cwd: ROOT })
  .filter((file) => !file.includes("node_modules"))
  .flatMap((file) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    return [...text.matchAll(/(?:\btest|\)|\]|const)\(\s*(["'`])((?:(?!\1).)+)\1,\s*(?:async\s*)?\(/g)].map(
      ([, , title = ""]) => ({ file, title }),
    );
  });
const contract = readFileSync(join(ROOT, "apps/server/test/bus/event-bus-contract.ts"), "utf8");
const cited = new Set(
  [...titles.map(({ title }) => title), contract].flatMap((text) =>
    [...text.matchAll(/\[([A-Z]+\d+)\]/g)].map(([, id = ""]) => id),
  ),
);

test("[EV4] every rule of SPEC.md has a test, and every test cites a rule of it", () => {
  expect(rules.size).toBeGreaterThan(60);
  expect(titles.length).toBeGreaterThan(100);
  expect([...rules].filter((id) => !cited.has(id))).toEqual([]);
  expect([...cited].filter((id) => !rules.has(id))).toEqual([]);
  expect(titles.filter(({ title }) => !/^\[[A-Z]+\d+\]/.test(title))).toEqual([]);
});
