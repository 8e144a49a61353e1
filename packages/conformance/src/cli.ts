import { parseArgs } from "node:util";
import { type BadInputOptions, runBadInput } from "./bad-input.ts";
import { formatFacts, formatVerdict } from "./table.ts";
import { runTorture } from "./torture.ts";

const USAGE = `my-bot-conformance --cmd "<how to start the server, with {workspace} and {port}>"
  The crash loop: kill -9, SIGTERM and lost connections at random instants, then a count of what was broken.
  --template <folder>       a workspace to start from
  --kills 12  --terms 4  --drops 6  --messages 500  --seed <n>
  --disk-full "<command>"   called with "on" and "off", --fulls 5 times

my-bot-conformance --url http://127.0.0.1:8000
  Bad input at every door of a running server, beside a client that sends a correct message each 50 ms.
  --frames 5000  --seed <n>
  --secret <text>           what no answer may hold; may be given several times
`;

const { values } = parseArgs({
  options: {
    cmd: { type: "string" },
    url: { type: "string" },
    template: { type: "string" },
    kills: { type: "string", default: "12" },
    terms: { type: "string", default: "4" },
    drops: { type: "string", default: "6" },
    messages: { type: "string", default: "500" },
    frames: { type: "string", default: "5000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    secret: { type: "string", multiple: true, default: [] },
    "disk-full": { type: "string" },
    fulls: { type: "string", default: "5" },
    help: { type: "boolean" },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.cmd !== undefined) process.exitCode = await tortureCommand(values.cmd);
else if (values.url !== undefined) process.exitCode = await badInputCommand(values.url.replace(/^ws/, "http"));
else {
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
}

function tortureCommand(command: string): Promise<number> {
  const hook = values["disk-full"];
  return runTorture(
    {
      command,
      template: values.template,
      kills: Number(values.kills),
      terms: Number(values.terms),
      drops: Number(values.drops),
      messages: Number(values.messages),
      seed,
      diskFull: hook === undefined ? undefined : { command: hook, times: Number(values.fulls) },
    },
    say,
  );
}

async function badInputCommand(url: string): Promise<number> {
  const options: BadInputOptions = { url, randomFrames: Number(values.frames), seed, secrets: values.secret };
  say(`bad input with seed ${seed}`);
  const { deaths, leaks, wrong, hurt, ...facts } = await runBadInput({ ...options, onProgress: say });
  const findings = { deaths, leaks, wrong, hurt };
  for (const [kind, lines] of Object.entries(findings)) for (const line of lines) say(`${kind}: ${line}`);
  say(formatFacts(facts));
  say(formatVerdict(Object.fromEntries(Object.entries(findings).map(([kind, lines]) => [kind, lines.length]))));
  return Object.values(findings).every((lines) => lines.length === 0) ? 0 : 1;
}
