import { expect, test, vi } from "vitest";
import { createAgentRuns, runAgentWorker } from "../../src/agent/agent-worker.ts";
import { TokenCounter } from "../../src/agent/context/token-counter.ts";
import { createOfflineModel } from "../../src/agent/offline-model.ts";
import { Redactor } from "../../src/agent/redact.ts";
import { createReadTool } from "../../src/agent/tools/read.ts";
import { createToolRegistry } from "../../src/agent/tools/registry.ts";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { openSqliteApprovals } from "../../src/session/sqlite-approvals.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { Config } from "../../src/workspace/config.ts";
import { createRuntimeConfig } from "../../src/workspace/runtime-config.ts";
import { bareWorkspace, PICKLE } from "../support/bare-gateway.ts";
import { inbound, session } from "../support/events.ts";
import { tempDir } from "../support/temp-dir.ts";

const MESSAGES = 60;

test("[RUN14] a run that cannot store its steps waits for room, and fails for nothing else", async () => {
  using dir = tempDir();
  const store = openSqliteStore(dir.path);
  const sessions = openSqliteSessions(store);
  const approvals = openSqliteApprovals(store);
  const bus = openSqliteBus(store, [sessions, approvals]);
  for (let i = 0; i < MESSAGES; i++) {
    const session_id = `s${i}`;
    const content = "Read notes.md"; // a tool call, so that there are steps between start and answer
    await bus.publish([session({ session_id }), inbound({ session_id, content })], { sessionSource: session_id });
  }
  const { page_count } = store.writer.prepare("PRAGMA page_count").get() ?? {};
  store.writer.exec(`PRAGMA max_page_count = ${page_count}`);
  const refusals: unknown[] = [];
  const stop = new AbortController();
  const tools = createToolRegistry([createReadTool({ workspaceDir: dir.path })], { onError: () => undefined });
  const config = Config.parse({});
  const definition = { ...PICKLE, maxConcurrency: MESSAGES, llm: config.llm };
  const agent = {
    definition,
    systemPrompt: "",
    timeZone: "UTC",
    compaction: config.compaction,
    model: createOfflineModel({ chunkDelayMs: 0 }),
    tools,
    approvalTimeoutMs: 1000,
  };
  const deps = {
    bus,
    sessions,
    approvals,
    workspace: () => bareWorkspace(dir.path, config),
    tokens: new TokenCounter(),
    runtimeConfig: createRuntimeConfig(dir.path),
    findAgent: () => agent,
    redactor: new Redactor(),
    onError: (error: unknown) => void refusals.push(error),
  };
  const runs = createAgentRuns(deps, stop.signal);
  const working = runAgentWorker(deps, runs, stop.signal);

  await vi.waitFor(() => expect(refusals.length).toBeGreaterThan(2 * MESSAGES), { timeout: 20_000 });
  store.writer.exec("PRAGMA max_page_count = 1000000");
  const answers = () =>
    Array.from({ length: MESSAGES }, (_, i) => bus.history({ sessionId: `s${i}` }))
      .flat()
      .map(({ event }) => event)
      .filter((event) => event.type === "OutboundEvent");
  await vi.waitFor(() => expect(answers()).toHaveLength(MESSAGES), { timeout: 20_000 });
  expect(answers().map(({ error }) => error)).toEqual(Array(MESSAGES).fill(null));
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  stop.abort();
  await working;
  await bus.close();
}, 60_000);
