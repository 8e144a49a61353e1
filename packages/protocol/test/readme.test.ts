import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const firstExample = (text: string): string => /```ts\n(.+?)```/s.exec(text)?.[1] ?? "";

test("[CLT10] the README's example is the one that the client's own tests run", () => {
  const example = firstExample(read("README.md"));
  expect(example.split("\n").length).toBeGreaterThan(5);
  expect(example).toBe(firstExample(read("packages/client/README.md")));
});

test.each([
  "README.md",
  "AGENTS.md",
  "CONTRIBUTING.md",
  "docs/architecture.md",
  "docs/mcp.md",
  "docs/models.md",
  "packages/client/README.md",
])("[CLI1] %s links to files that are there", (file) => {
  const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
  expect(links.filter((link) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([]);
});
