import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DurableEvent } from "@my-bot/protocol";
import { openSqliteBus } from "../apps/server/src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../apps/server/src/bus/sqlite-store.ts";
import { openSqliteSessions } from "../apps/server/src/session/sqlite-sessions.ts";
import { connectTrpcWs } from "../apps/server/test/support/trpc-client.ts";
import { createBenchWorkspace, startMyBot } from "./send-peers.ts";
import { measureLatencies, quantile, Sender } from "./send-workload.ts";

/** One size of the log; milliseconds. */
export interface StoreSize {
  readonly events: number;
  readonly megabytes: number;
  /** From launch until it listens, each time after a kill: median and longest. */
  readonly startMs: number;
  readonly longestStartMs: number;
  /** Of an acknowledged send. */
  readonly sendMs: number;
  /** To read the 100 events of one session, which is what its next turn reads as well. */
  readonly historyMs: number;
}

const STARTS = 5;
const CALLS = 300;
const EVENTS_PER_RUN = 4;
const RUNS_PER_SESSION = 25;
const RUNS_PER_COMMIT = 500;
const CONTENT = "What one says to the other is a sentence or two, as here, more often than it is a page. ".repeat(3);

/** Start, send and history on a log of so many events, which the server's own code has written. */
export async function measureStoreSize(events: number): Promise<StoreSize> {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
  try {
    createBenchWorkspace(dir);
    const bytes = await writeStore(dir, events);
    const starts: number[] = [];
    for (let round = 0; round < STARTS; round += 1) starts.push(await measureStart(dir));
    return {
      events,
      megabytes: bytes / 2 ** 20,
      startMs: quantile(starts, 0.5),
      longestStartMs: Math.max(...starts),
      ...(await measureUse(dir)),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measureUse(dir: string): Promise<Pick<StoreSize, "sendMs" | "historyMs">> {
  await using bot = await startMyBot(dir);
  const { client, close } = connectTrpcWs(bot.url.replace("ws", "http"));
  const session_id = sessionId(0);
  const histories: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const startedAt = performance.now();
    await client.sessions.history.query({ session_id, limit: 100 });
    histories.push(performance.now() - startedAt);
  }
  await close();
  const sender = await Sender.connect(`${bot.url}/ws?session=none`, "one");
  const sends = await measureLatencies(sender, CALLS);
  sender.close();
  return { sendMs: quantile(sends, 0.5), historyMs: quantile(histories, 0.5) };
}

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
  const session_id = sessionId(Math.floor(number / RUNS_PER_SESSION));
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

function sessionId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

async function measureStart(workspaceDir: string): Promise<number> {
  const startedAt = performance.now();
  await using _ = await startMyBot(workspaceDir); // killed at the end
  return performance.now() - startedAt;
}
