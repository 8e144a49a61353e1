import { parseArgs } from "node:util";
import { runTorture } from "./torture.ts";

const USAGE = `my-bot-conformance --cmd "<how to start the server, with {workspace} and {port}>"
  --template <folder>   a workspace to start from
  --kills 12  --terms 4  --drops 6  --messages 500  --seed <n>
  --disk-full "<command>"   called with "on" and "off"; --fulls 5 times
`;

const { values } = parseArgs({
  options: {
    cmd: { type: "string" },
    template: { type: "string" },
    kills: { type: "string", default: "12" },
    terms: { type: "string", default: "4" },
    drops: { type: "string", default: "6" },
    messages: { type: "string", default: "500" },
    seed: { type: "string" },
    "disk-full": { type: "string" },
    fulls: { type: "string", default: "5" },
    help: { type: "boolean" },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (values.cmd === undefined) {
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  const hook = values["disk-full"];
  process.exitCode = await runTorture(
    {
      command: values.cmd,
      template: values.template,
      kills: Number(values.kills),
      terms: Number(values.terms),
      drops: Number(values.drops),
      messages: Number(values.messages),
      seed: Number(values.seed ?? Date.now() % 1_000_000),
      diskFull: hook === undefined ? undefined : { command: hook, times: Number(values.fulls) },
    },
    say,
  );
}
