import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { startServer } from "./support/server-process.ts";
import { type TempDir, tempDir } from "./support/temp-dir.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../../..");
const CLIENT = join(ROOT, "packages/client");
const TSC = join(ROOT, "node_modules/.bin/tsc");

/** The README's examples, as programs. */
const examples = [...readFileSync(join(CLIENT, "README.md"), "utf8").matchAll(/```ts\n(.+?)```/gs)].map(
  ([, code = ""]) => code,
);

let project: TempDir;

/** An empty project outside the repository, with nothing but the two tarballs and what they depend on. */
beforeAll(async () => {
  project = tempDir();
  const { path } = project;
  for (const name of ["protocol", "client"]) {
    const folder = join(ROOT, "packages", name);
    await run("npm", ["run", "build"], { cwd: folder });
    await run("npm", ["pack", "--pack-destination", path], { cwd: folder });
  }
  writeFileSync(join(path, "package.json"), JSON.stringify({ name: "fresh", private: true, type: "module" }));
  const tarballs = globSync("*.tgz", { cwd: path }).map((file) => `./${file}`);
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await run("npm", ["install", ...quiet, ...tarballs], { cwd: path });
  return () => project[Symbol.dispose]();
}, 240_000);

test("[CLT10] the built client imports @trpc/client and nothing else: no zod, no Node modules", () => {
  const files = globSync("node_modules/@my-bot/client/dist/*.js", { cwd: project.path });
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const code = readFileSync(join(project.path, file), "utf8");
    const imports = [...code.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name = ""]) => name);
    expect(imports.filter((name) => !name.startsWith("./"))).toEqual(
      imports.includes("@trpc/client") ? ["@trpc/client"] : [],
    );
    expect(code).not.toMatch(/zod|node:|openai|\bprocess\b|\bBuffer\b/);
  }
});

test("[CLT10] the tarballs hold what they should and type-check in a fresh strict project", async () => {
  const packed = globSync("node_modules/@my-bot/{client,protocol}/**/*", { cwd: project.path });
  expect(packed.filter((file) => /\.test\.|\/src\/|tsconfig/.test(file))).toEqual([]);
  for (const [i, code] of examples.entries()) writeFileSync(join(project.path, `example-${i}.ts`), code);
  const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext", "--types", ""];
  const files = examples.map((_, i) => `example-${i}.ts`);
  await run(TSC, [...options, ...files], { cwd: project.path }).catch(({ stdout }) => expect.fail(stdout));
  expect(files).toHaveLength(4);
});

test("[CLT10] the README's examples run against a real server and end by themselves", async () => {
  await using server = await startServer();
  const folder = join(project.path, "run");
  mkdirSync(folder);
  const outputs: string[] = [];
  for (const [i, code] of examples.entries()) {
    const file = join(folder, `example-${i}.ts`);
    writeFileSync(file, code.replace("http://127.0.0.1:8000", server.url));
    const { stdout } = await run(process.execPath, [file], { timeout: 20_000 });
    outputs.push(stdout);
  }
  const [, answer = ""] = /^agent:pickle says: (.+)/m.exec(outputs[0] ?? "") ?? [];
  expect(answer).not.toBe("");
  expect(outputs[1]).toContain(answer);
});

test.each([1, 9])(
  "[CLT9] a closed client keeps no process alive while it waits for a server at port %i",
  async (port) => {
    // Nothing listens at port 1; port 9 is one that WebSocket forbids, and fails before anyone can listen to the socket.
    const program = `
    import { createMyBotClient } from "@my-bot/client";
    const bot = createMyBotClient({ url: "http://127.0.0.1:${port}" });
    const pending = [bot.info().catch(({ code }) => code), bot.events()[Symbol.asyncIterator]().next()];
    await new Promise((resolve) => setTimeout(resolve, 1500)); // by now it waits a while between attempts
    await bot.close();
    const closed = performance.now();
    console.log(JSON.stringify(await Promise.all(pending)));
    process.on("exit", () => console.log(performance.now() - closed < 300 ? "at once" : "late"));
  `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: project.path,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill());
    expect(await text(child.stdout)).toBe('["CLOSED",{"done":true}]\nat once\n');
    expect(child.exitCode ?? (await once(child, "exit"))[0]).toBe(0);
  },
);
