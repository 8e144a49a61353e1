import { measureCommits, startEcho, startMyBot } from "./send-peers.ts";
import { measureLatencies, measureThroughput, quantile, Sender } from "./send-workload.ts";

const SENDS = 500;
const CONNECTIONS = 50;
const SECONDS = 3;

/** Of one round; milliseconds, or messages a second. */
export interface Sends {
  readonly commitMs: number;
  readonly echoMs: number;
  readonly sendMs: number;
  readonly sendP99Ms: number;
  readonly sendsPerSecond: number;
  readonly echoesPerSecond: number;
}

/** How long an acknowledged send takes, and how many there can be at once, beside an echo and a bare synced commit. */
export async function measureSends(): Promise<Sends> {
  await using bot = await startMyBot();
  await using echo = await startEcho();
  const receiptsOnly = `${bot.url}/ws?session=none`; // a filter that nothing passes but one's own receipts
  const sender = await Sender.connect(receiptsOnly, "one");
  const echoer = await Sender.connect(echo.url, "one");
  await measureLatencies(sender, 500); // until the code is compiled
  await measureLatencies(echoer, 500);
  const commits = measureCommits(SENDS);
  const echoes = await measureLatencies(echoer, SENDS);
  const sends = await measureLatencies(sender, SENDS);
  const echoesPerSecond = await throughput((source) => Sender.connect(echo.url, source));
  const sendsPerSecond = await throughput((source) => Sender.connect(receiptsOnly, source));
  sender.close();
  echoer.close();
  return {
    commitMs: quantile(commits, 0.5),
    echoMs: quantile(echoes, 0.5),
    sendMs: quantile(sends, 0.5),
    sendP99Ms: quantile(sends, 0.99),
    sendsPerSecond,
    echoesPerSecond,
  };
}

async function throughput(connect: (source: string) => Promise<Sender>): Promise<number> {
  const senders = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => connect(`s${i}`)));
  const rate = await measureThroughput(senders, SECONDS * 1000);
  for (const sender of senders) sender.close();
  return rate;
}
