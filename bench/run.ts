/**
 * npm run bench: sends and fan-out beside their peers, and a log that grows. Peers take turns in every round; each figure
 * is the median of its rounds. Prints markdown, and writes bench/results.json and docs/fan-out.svg.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { barChart } from "./chart.ts";
import { type FanOut, measureFanOut } from "./measure-fan-out.ts";
import { measureSends, type Sends } from "./measure-sends.ts";
import { measureStoreSize, type StoreSize } from "./measure-store-size.ts";
import { cpuPerDelivery, fanOutTable, ratioLines, sendTable, storeTable } from "./report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string", default: "sends,fan-out,store" } },
});
const ROOT = join(import.meta.dirname, "..");
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sends: Sends[] = [];
const fanOut: FanOut[] = [];
const store: StoreSize[] = [];
for (let round = 1; round <= Number(values.rounds); round++) {
  say(`round ${round} of ${values.rounds}`);
  if (values.only.includes("sends")) sends.push(await measureSends());
  if (values.only.includes("fan-out")) fanOut.push(await measureFanOut(say));
}
if (values.only.includes("store")) {
  for (const events of [100, 10_000, 1_000_000]) store.push(await measureStoreSize(events));
}
if (sends.length > 0) say(`\n${sendTable(sends)}\n`);
if (fanOut.length > 0) {
  say(`\n${fanOutTable(fanOut)}\n\n${ratioLines(fanOut)}\n`);
  const groups = cpuPerDelivery(fanOut).map(({ clients, cpu }) => ({
    label: `${clients.toLocaleString("en")} subscribers`,
    bars: cpu,
  }));
  writeFileSync(
    join(ROOT, "docs/fan-out.svg"),
    barChart("Server CPU for one delivery, in microseconds (logarithmic)", groups),
  );
}
if (store.length > 0) say(`\n${storeTable(store)}\n`);
const machine = { node: process.versions.node, platform: process.platform, at: new Date().toISOString() };
writeFileSync(join(ROOT, "bench/results.json"), `${JSON.stringify({ machine, sends, fanOut, store }, null, 1)}\n`);
