/**
 * npm run bench: how long an acknowledged send takes, and how many of them the server does at once, beside a plain echo
 * over `ws` and a bare synced commit. Rounds are interleaved; each figure is the median of its rounds.
 */
import { measureCommits, startEcho, startMyBot } from "./peers.ts";
import { measureLatencies, measureThroughput, quantile, Sender } from "./workload.ts";

const ROUNDS = 5;
const SENDS = 500;
const CONNECTIONS = 50;
const SECONDS = 3;

interface Round {
  readonly commitMs: number;
  readonly echoMs: number;
  readonly sendMs: number;
  readonly sendP99Ms: number;
  readonly sendsPerSecond: number;
  readonly echoesPerSecond: number;
}

async function measureRound(): Promise<Round> {
  await using bot = await startMyBot();
  await using echo = await startEcho();
  const receiptsOnly = `${bot.url}/ws?session=none`; // a filter that nothing passes but one's own receipts
  const sender = await Sender.connect(receiptsOnly, "one");
  const echoer = await Sender.connect(echo.url, "one");
  await measureLatencies(sender, 50); // warm
  await measureLatencies(echoer, 50);
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

const rounds: Round[] = [];
for (let i = 0; i < ROUNDS; i++) rounds.push(await measureRound());
const median = (pick: (round: Round) => number): number => quantile(rounds.map(pick), 0.5);
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const rate = (value: number): string => `${Math.round(value).toLocaleString("en")}/s`;

process.stdout.write(`
| what (median of ${ROUNDS} interleaved rounds, Node ${process.versions.node}) | figure |
|---|---|
| one synced SQLite commit, bare | ${ms(median((round) => round.commitMs))} |
| echo over plain ws, one client, p50 | ${ms(median((round) => round.echoMs))} |
| acknowledged durable send, one client, p50 | ${ms(median((round) => round.sendMs))} |
| acknowledged durable send, one client, p99 | ${ms(median((round) => round.sendP99Ms))} |
| (send − commit) ÷ echo | ${median((round) => (round.sendMs - round.commitMs) / round.echoMs).toFixed(1)} × |
| acknowledged durable sends, ${CONNECTIONS} clients | ${rate(median((round) => round.sendsPerSecond))} |
| echoes over plain ws, ${CONNECTIONS} clients | ${rate(median((round) => round.echoesPerSecond))} |
`);
