/** The product's doors, gateway and log in one process, without agents: `my-bot-peer.ts ours|stock`. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appRouter, type Gateway } from "@my-bot/protocol";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { openSqliteBus } from "../../apps/server/src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../apps/server/src/bus/sqlite-store.ts";
import { createGateway } from "../../apps/server/src/gateway.ts";
import { openSqliteSessions } from "../../apps/server/src/session/sqlite-sessions.ts";
import { startHttpServer } from "../../apps/server/src/transport/http-server.ts";
import { Config } from "../../apps/server/src/workspace/config.ts";
import { serveOrders } from "./control.ts";

const config = Config.parse({
  api: { port: 0, limits: { messages_per_second: 1e6, queued_messages: 1e6, connections: 20_000 } },
});
const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const store = openSqliteStore(dir);
const sessions = openSqliteSessions(store);
const bus = openSqliteBus(store, [sessions]);
const never = new AbortController().signal;
const gateway = createGateway({
  bus,
  sessions,
  runs: { abort: () => Promise.resolve([]), isRunning: () => false },
  workspace: () => ({
    dir,
    config,
    agents: new Map(),
    skills: new Map(),
    warnings: [],
    isOffline: true,
    hasUserConfig: true,
  }),
  info: () => ({
    name: "my-bot",
    version: "0",
    protocol_version: 1,
    features: [],
    llm: { mode: "offline", provider: "offline", model: "offline" },
    default_agent: "pickle",
    limits: { content_bytes: 1, frame_bytes: 1 },
    workspace: { loaded_at: 0, problem: null },
  }),
  draining: never,
});

async function listen(door: Gateway): Promise<number> {
  if (process.argv[2] !== "stock") {
    const { url } = await startHttpServer({
      gateway: door,
      api: config.api,
      webDir: undefined,
      onError: fail,
      draining: never,
    });
    return Number(new URL(url).port);
  }
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  const context = { gateway: door, admitCall: () => undefined, writable: () => undefined };
  applyWSSHandler({ wss, router: appRouter, createContext: () => context });
  return (server.address() as AddressInfo).port;
}

function fail(error: unknown): void {
  process.stderr.write(`${error}\n`);
}

const port = await listen(gateway);
serveOrders({
  port,
  publish: (events) => {
    for (const event of events) void bus.publish([event], { sessionSource: event.source });
  },
  stream: ({ sessions: count, tokensPerSecond }) => {
    const offsets = Array<number>(count).fill(0);
    setInterval(() => {
      for (const [index, offset] of offsets.entries()) {
        const event = {
          type: "DeltaEvent" as const,
          session_id: `s${index}`,
          run_id: `r${index}`,
          turn: 0,
          offset,
          content: " token",
        };
        bus.broadcast(event, { sessionSource: `platform-ws:s${index}` });
        offsets[index] = offset < 6000 ? offset + event.content.length : 0; // an answer ends some time
      }
    }, 1000 / tokensPerSecond);
  },
});
