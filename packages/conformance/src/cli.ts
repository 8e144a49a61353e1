import { parseArgs } from "node:util";
import { runBadInput } from "./bad-input/bad-input.ts";
import { isClean, type RunReport } from "./ledger/run-report.ts";
import { formatFacts, formatVerdict } from "./ledger/table.ts";
import { type KitRun, RUNS, type Sizes } from "./runs.ts";

const USAGE = `my-bot-conformance --cmd "<how to start the server, with {workspace} and {port}>"
  Starts the server in a workspace of its own, with a scripted model behind it, and tries to break its promises.
  --runs <names>            divided by commas; all unless told:
${Object.entries(RUNS)
  .map(([name, { about, promises }]) => `      ${name.padEnd(16)} ${about} (${promises})`)
  .join("\n")}
  --size small|full         small unless told
  --set <name>=<number>     changes a size, such as kills=20; may be given several times
  --template <folder>       a workspace to start from

my-bot-conformance --url http://127.0.0.1:8000
  Bad input at every door of a running server, beside a client that sends a correct message each 50 ms (P10).
  --frames 5000             random ones, after the table
  --secret <text>           what no answer may hold; may be given several times

  --seed <n>                the same faults, in the same order
`;

const { values } = parseArgs({
  options: {
    cmd: { type: "string" },
    url: { type: "string" },
    runs: { type: "string", default: Object.keys(RUNS).join(",") },
    size: { type: "string", default: "small" },
    set: { type: "string", multiple: true, default: [] },
    template: { type: "string" },
    frames: { type: "string", default: "5000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    secret: { type: "string", multiple: true, default: [] },
    help: { type: "boolean" },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.cmd !== undefined) process.exitCode = await testCommand(values.cmd);
else if (values.url !== undefined) process.exitCode = await testUrl(values.url.replace(/^ws/, "http"));
else {
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
}

async function testCommand(command: string): Promise<number> {
  let exitCode = 0;
  for (const [name, run] of chosenRuns()) {
    say(`${name}, seed ${seed}`);
    const report = await run.start({ command, seed, template: values.template }, sizesOf(run), say);
    exitCode = Math.max(exitCode, tell(report));
  }
  return exitCode;
}

function chosenRuns(): [name: string, run: KitRun][] {
  return values.runs.split(",").map((name) => {
    const run = RUNS[name];
    if (!run) usageError(`--runs: there is no run "${name}"; there are ${Object.keys(RUNS).join(", ")}`);
    return [name, run];
  });
}

function sizesOf({ small, full }: KitRun): Sizes {
  if (values.size !== "small" && values.size !== "full") usageError(`--size: "${values.size}" is not small or full`);
  const changes = values.set.map((change): [string, number] => {
    const [, name = "", number] =
      /^(\w+)=(\d+)$/.exec(change) ?? usageError(`--set: "${change}" is not <name>=<number>`);
    return [name, Number(number)];
  });
  return { ...(values.size === "full" ? full : small), ...Object.fromEntries(changes) };
}

async function testUrl(url: string): Promise<number> {
  say(`bad input, seed ${seed}`);
  return tell(await runBadInput({ url, randomFrames: Number(values.frames), seed, secrets: values.secret }, say));
}

/** Prints what came out. The exit code: 0 only if nothing was broken. */
function tell(report: RunReport): number {
  say(formatFacts(report.facts));
  say(formatVerdict(report.verdict));
  say(isClean(report) ? "clean" : `broken; the same faults again: --seed ${seed}`);
  return isClean(report) ? 0 : 1;
}

function usageError(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
