#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read too: it finds a Node that is new enough, then starts the program.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) await start();
else startOnNewerNode();

async function start() {
  const source = join(here, "../src/main.ts");
  if (!existsSync(source)) {
    await import("../dist/main.js");
    return;
  }
  // A checkout: workspace packages resolve to their TypeScript source, so nothing has to be built.
  const { registerHooks } = await import("node:module");
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ["@my-bot/source", ...context.conditions] }),
  });
  await import(source);
}

/** The npm package `node` brings one; what this old Node cannot run, that one can. */
function startOnNewerNode() {
  const newer = findNewerNode();
  if (newer === undefined) {
    console.error(
      `my-bot needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}. Install it, or: npm i node@24`,
    );
    process.exit(1);
  }
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function findNewerNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const binary = join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
