/**
 * node --conditions=@my-bot/source bench/start-time.ts [events …]: how long the server takes from its launch until it
 * listens, on stores of so many events, each start after a kill. The stores are written with the server's own code.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { DurableEvent } from "@my-bot/protocol";
import { openSqliteBus } from "../apps/server/src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../apps/server/src/bus/sqlite-store.ts";
import { openSqliteSessions } from "../apps/server/src/session/sqlite-sessions.ts";
import { createBenchWorkspace, startMyBot } from "./send-peers.ts";
import { quantile } from "./send-workload.ts";

const SIZES = process.argv.slice(2).map(Number);
const ROUNDS = 5;
const EVENTS_PER_RUN = 4;
const RUNS_PER_SESSION = 25;
const RUNS_PER_COMMIT = 500;
const CONTENT = "What one says to the other is a sentence or two, as here, more often than it is a page. ".repeat(3);

async function writeStore(workspaceDir: string, events: number): Promise<number> {
  const dir = join(workspaceDir, ".event");
  const store = openSqliteStore(dir);
  const bus = openSqliteBus(store, [openSqliteSessions(store)]);
  const runs = Math.ceil(events / EVENTS_PER_RUN);
  for (let first = 0; first < runs; first += RUNS_PER_COMMIT) {
    const numbers = Array.from({ length: Math.min(RUNS_PER_COMMIT, runs - first) }, (_, index) => first + index);
    await Promise.all(numbers.flatMap((number) => publishRun(bus, number)));
  }
  await bus.close();
  return statSync(join(dir, "my-bot.db")).size;
}

type Bus = ReturnType<typeof openSqliteBus>;

/** The events of one answered message, published as the server does. */
function publishRun(bus: Bus, number: number): Promise<unknown>[] {
  const session_id = `00000000-0000-4000-8000-${String(Math.floor(number / RUNS_PER_SESSION)).padStart(12, "0")}`;
  const run_id = `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
  const source = `platform-ws:bench-${session_id}`;
  const ids = { session_id, run_id };
  const timestamp = 1_700_000_000 + number;
  const message_id = `message-${number}`;
  const about = { source, agent_id: "pickle", timestamp };
  const publish = (events: DurableEvent[], key?: string) =>
    bus.publish(events, { sessionSource: source, ...(key !== undefined && { key }) });
  const isFirst = number % RUNS_PER_SESSION === 0;
  return [
    ...(isFirst ? [publish([{ type: "SessionEvent", session_id, action: "created", title: null, ...about }])] : []),
    publish(
      [{ type: "InboundEvent", ...ids, content: CONTENT, retry_count: 0, message_id, ...about }],
      `message:${message_id}`,
    ),
    publish([{ type: "RunStartedEvent", ...ids, agent_id: "pickle", timestamp }]),
    publish(
      [
        { type: "OutboundEvent", ...ids, source: "agent:pickle", content: CONTENT, timestamp, error: null },
        { type: "RunEndedEvent", ...ids, status: "completed", usage: null, timestamp },
      ],
      `answer:${run_id}`,
    ),
  ];
}

async function measureStart(workspaceDir: string): Promise<number> {
  const startedAt = performance.now();
  await using _ = await startMyBot(workspaceDir); // killed at the end
  return performance.now() - startedAt;
}

async function measureSize(events: number): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
  try {
    createBenchWorkspace(dir);
    const bytes = events === 0 ? 0 : await writeStore(dir, events);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) times.push(await measureStart(dir));
    const ms = (value: number): string => `${Math.round(value)} ms`;
    const size = `${Math.round(bytes / 2 ** 20)} MiB`;
    return `| ${events.toLocaleString("en")} | ${size} | ${ms(quantile(times, 0.5))} | ${ms(Math.max(...times))} |`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const [load = 0] = loadavg();
process.stdout.write(
  `load ${load.toFixed(1)} at the beginning\n| events | file | median | longest |\n|---|---|---|---|\n`,
);
for (const events of SIZES.length > 0 ? SIZES : [0, 100_000, 1_000_000]) {
  process.stdout.write(`${await measureSize(events)}\n`);
}
process.stdout.write(`load ${(loadavg()[0] ?? 0).toFixed(1)} at the end\n`);
