import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Config } from "../../src/workspace/config.ts";
import { openBareGateway } from "../support/bare-gateway.ts";
import { MessageQueue } from "../support/message-queue.ts";
import { type StartRpcDoor, startOurDoor, startStockDoor } from "../support/rpc-doors.ts";
import { tempDir } from "../support/temp-dir.ts";

const CONFIG = Config.parse({ api: { port: 0, limits: { batch_calls: 5 } } });

/** Frames to send, and how many come back for them. */
type Step = readonly [frames: readonly (string | Buffer | object)[], answers: number];

interface Script {
  readonly query?: string;
  readonly steps: readonly Step[];
  /** The server ends the connection. */
  readonly isClosed?: boolean;
}

const call = (id: unknown, method: string, path: string, input?: unknown) => ({ id, method, params: { path, input } });
const stop = (id: unknown) => ({ id, method: "subscription.stop" });
const send = (id: unknown, content: string) =>
  call(id, "mutation", "send", { source: "a", content, message_id: content });
const events = (id: unknown, input?: object) => call(id, "subscription", "events", input);
const resumed = (id: unknown, lastEventId: string, input?: object) => ({
  id,
  method: "subscription",
  params: { path: "events", input, lastEventId },
});
const NONE: object[] = [];

const SCRIPTS: Record<string, Script> = {
  "queries and mutations": {
    steps: [
      [[call(1, "query", "info")], 1],
      [[call(2, "query", "agents.list")], 1],
      [[send(3, "one")], 1],
      [[send(4, "one")], 1],
      [[call("text id", "query", "sessions.list", { limit: 1 })], 1],
      [[{ ...call(5, "query", "agents.list"), jsonrpc: "2.0" }], 1],
      [[call(6, "query", "agents.list", "input that nobody wants")], 1],
    ],
  },
  "a batch": {
    steps: [
      [[[call(1, "query", "agents.list"), call(2, "query", "nope"), call(3, "query", "agents.list")]], 3],
      [[[]], 0],
      [[Array.from({ length: 6 }, (_, i) => call(i, "query", "info"))], 6],
      [[[...Array.from({ length: 6 }, () => stop(1))]], 1],
      [[[null, 5, "x", ...Array.from({ length: 4 }, (_, i) => call(`s${i}`, "query", "info"))]], 4],
    ],
  },
  "PING and PONG": {
    steps: [
      [["PING"], 1],
      [["PONG"], 0],
      [["PING", "PING"], 2],
    ],
  },
  "errors of the caller": {
    steps: [
      [[call(1, "query", "nope")], 1],
      [[call(2, "query", "__proto__")], 1],
      [[call(3, "mutation", "info")], 1],
      [[call(4, "query", "send", { source: "a", content: "b" })], 1],
      [[call(5, "mutation", "send", { source: 1 })], 1],
      [[call(6, "mutation", "send")], 1],
      [[call(7, "query", "sessions.get", { session_id: "none" })], 1],
      [[send(8, "two"), call(9, "mutation", "send", { source: "a", content: "other", message_id: "two" })], 2],
    ],
  },
  "messages that are none": {
    steps: [
      [["{"], 1],
      [["null"], 1],
      [["5"], 1],
      [[{}], 1],
      [[{ id: 1 }], 1],
      [[{ id: {}, method: "query", params: { path: "info" } }], 1],
      [[{ id: 1, method: "query" }], 1],
      [[{ id: 1, method: "query", params: { path: 5 } }], 1],
      [[{ id: 1, method: "shout", params: { path: "info" } }], 1],
      [[{ id: 1, jsonrpc: "1.0", method: "query", params: { path: "info" } }], 1],
      [[call(null, "query", "info")], 1],
      [[{ method: "connectionParams", data: null }], 1],
    ],
  },
  "a subscription from its start to its stop": {
    steps: [
      [[events(1)], 2],
      [[send(2, "one")], 3],
      [[events(1)], 1],
      [[stop(1)], 1],
      [[stop(1)], 0],
      [[stop("never there")], 0],
      [[send(3, "two")], 1],
      [[events(1, { lastEventId: "0", types: ["InboundEvent"] })], 4],
      [[stop(1)], 1],
    ],
  },
  "a subscription that resumes": {
    steps: [
      [[send(1, "one"), send(2, "two")], 2],
      [[resumed(3, "0")], 5],
      [[resumed("four", "0", { types: ["InboundEvent"] })], 4],
      [[{ ...resumed(5, "0"), jsonrpc: "2.0" }], 5],
      [[stop(3), stop("four"), stop(5)], 3],
    ],
  },
  "subscriptions that are refused": {
    steps: [
      [[resumed(1, "no cursor")], 1],
      [[events(2, { types: ["NoEvent"] })], 1],
      [[events(3, { source: 5 })], 1],
      [[call(4, "subscription", "nope")], 1],
      [[call(5, "subscription", "info")], 1],
      [[call(6, "query", "events")], 1],
      [[events(1)], 2],
    ],
  },
  "a subscription that is stopped at once": {
    steps: [
      [[[events(1), stop(1)]], 1],
      [[events(1)], 2],
    ],
  },
  "connection parameters": {
    query: "?connectionParams=1",
    steps: [
      [[{ method: "connectionParams", data: { token: "t" } }], 0],
      [[call(1, "query", "agents.list")], 1],
    ],
  },
  "no connection parameters": {
    query: "?connectionParams=1",
    steps: [
      [[{ method: "connectionParams", data: null }], 0],
      [[call(1, "query", "agents.list")], 1],
    ],
  },
  "malformed connection parameters": { query: "?connectionParams=1", steps: [[["{"], 1]], isClosed: true },
  "connection parameters that are no strings": {
    query: "?connectionParams=1",
    steps: [[[{ method: "connectionParams", data: { token: 5 } }], 1]],
    isClosed: true,
  },
  nothing: { steps: [[NONE, 0]] },
};

/** What the server sent, with ids and times by name: the same thing has the same name everywhere. */
async function record(startDoor: StartRpcDoor, { query = "", steps, isClosed }: Script): Promise<string[]> {
  using dir = tempDir();
  const { gateway, bus } = openBareGateway(dir.path, CONFIG);
  const frames = new MessageQueue<string>();
  {
    await using door = await startDoor(gateway, CONFIG.api);
    const socket = new WebSocket(`ws://127.0.0.1:${door.port}/trpc${query}`);
    socket.on("message", (data) => frames.push(data.toString()));
    await once(socket, "open");
    const closed = once(socket, "close");
    for (const [sent, answers] of steps) {
      for (const frame of sent) socket.send(toFrame(frame));
      for (let i = 0; i < answers; i++) await frames.next(`answer ${i + 1} of ${answers} to ${JSON.stringify(sent)}`);
    }
    if (isClosed) frames.push(`closed ${(await closed)[0]}`);
    else await settle(socket);
    door.dismiss();
  }
  await bus.close();
  return frames.all.toSorted((a, b) => idOf(a).localeCompare(idOf(b))).map(createNamer());
}

/** Calls are answered side by side: only what has one id has an order. */
function idOf(frame: string): string {
  return /^\{"id":("[^"]*"|\d+)/.exec(frame)?.[1] ?? "";
}

function toFrame(frame: string | Buffer | object): string | Buffer {
  return typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame);
}

/** Nothing more comes: whatever was on its way is here before the answer to a ping. */
async function settle(socket: WebSocket): Promise<void> {
  for (let i = 0; i < 3; i++) {
    socket.ping();
    await once(socket, "pong");
  }
}

function createNamer(): (frame: string) => string {
  const names = new Map<string, string>();
  const nameOf =
    (kind: string) =>
    (text: string): string => {
      const name = names.get(text) ?? `<${kind} ${names.size}>`;
      names.set(text, name);
      return name;
    };
  return (frame) =>
    frame
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, nameOf("id"))
      .replace(/[0-9a-f]{8}(?=-\d)/g, nameOf("epoch"))
      .replace(/"(timestamp|created_at|updated_at)":[\d.]+/g, '"$1":0');
}

test("[RPC8] a binary frame is told that JSON comes as text", async () => {
  const steps: Step[] = [[[Buffer.from(JSON.stringify(call(1, "query", "info"))), Buffer.from("PING")], 2]];
  const answers = await record(startOurDoor, { steps });
  expect(answers.slice(0, 2)).toEqual(Array(2).fill(expect.stringMatching(/"id":null.*PARSE_ERROR/)));
});

describe("tRPC's WebSocket protocol, word for word as its own adapter speaks it", () => {
  test.each(Object.entries(SCRIPTS))("[RPC8] %s", async (_name, script) => {
    const [ours, stock] = [await record(startOurDoor, script), await record(startStockDoor, script)];
    expect(ours).toEqual(stock);
    expect(ours.length).toBe(script.steps.reduce((sum, [, answers]) => sum + answers, 1));
  });
});
