import { existsSync, mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, chromium as playwright } from "playwright-core";

/** They weaken what the tests look at (origins), or let one page take the browser with it. */
const UNWANTED = new Set(["--disable-web-security", "--allow-running-insecure-content", "--single-process"]);

/**
 * A real headless Chromium. On Linux x64 the one that npm brought; elsewhere an installed Chrome.
 * Throws with what to install when there is none.
 */
export async function launchBrowser(): Promise<Browser> {
  if (process.platform !== "linux" || process.arch !== "x64") return playwright.launch({ channel: "chrome" });
  const { default: chromium, inflate, setupLambdaEnvironment } = await import("@sparticuz/chromium");
  const home = await unpack(async () => {
    await inflate(join(packageBin(), "al2023.tar.br"));
    await chromium.executablePath();
  });
  setupLambdaEnvironment(join(home, "al2023", "lib"));
  return playwright.launch({
    executablePath: join(home, "chromium"),
    args: chromium.args.filter((arg) => !UNWANTED.has(arg)),
    env: { ...process.env },
  });
}

function packageBin(): string {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  return join(dirname(entry), "..", "bin");
}

/** Unpacks into a folder of its own and moves it into place, so that parallel or interrupted runs find it whole or not at all. */
async function unpack(run: () => Promise<void>): Promise<string> {
  const { version } = createRequire(import.meta.url)("../../../../node_modules/@sparticuz/chromium/package.json");
  const home = join(tmpdir(), `my-bot-chromium-${version}`);
  if (existsSync(home)) return home;
  const draft = mkdtempSync(`${home}-`);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = draft; // the package unpacks into the folder for temporary files
  try {
    await run();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  try {
    renameSync(draft, home);
  } catch {
    mkdirSync(home, { recursive: true }); // another run was faster
  }
  return home;
}
