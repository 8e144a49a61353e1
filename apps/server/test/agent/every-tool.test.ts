import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalApp, startLocalApp } from "../support/local-app.ts";
import { oddServer } from "../support/mcp-servers.ts";
import { obeysAnyone, order } from "../support/obedient-model.ts";
import { connectRaw, type Frame } from "../support/raw-client.ts";
import { type ScriptedModel, startScriptedModel } from "../support/scripted-model.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";
import { startWebSite, type WebSite } from "../support/web-site.ts";

/** A way in: what is sent, seen and allowed goes through it alone. */
interface Door extends AsyncDisposable {
  readonly name: "raw" | "rpc";
  send(content: string): unknown;
  /** The next event of any type. */
  next(): Promise<Frame>;
  allow(approvalId: string): unknown;
}

async function openRaw(url: string): Promise<Door> {
  const client = await connectRaw(url, "?events=all");
  return {
    name: "raw",
    send: (content) => client.send({ source: "by-raw", content }),
    next: () => client.next(),
    allow: (approval_id) => client.send({ type: "approve", approval_id, decision: "allow" }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function openRpc(url: string): Promise<Door> {
  const { client, close } = connectTrpcWs(url);
  const events = followTrpc(client, {});
  await events.next("SyncedEvent");
  return {
    name: "rpc",
    send: (content) => client.send.mutate({ source: "by-rpc", content }),
    next: async () => ({ ...(await events.next()).data }),
    allow: (approval_id) => client.approve.mutate({ approval_id, decision: "allow" }),
    [Symbol.asyncDispose]: close,
  };
}

interface Row {
  readonly name: string;
  arguments(door: Door["name"]): object;
  /** It asks first. */
  readonly asks?: boolean;
  /** What its result holds. */
  readonly result: string | RegExp;
  /** The file that it leaves, below the workspace, and its text. */
  effect?(door: Door["name"]): readonly [path: string, text: string];
  /** What else the log has of the call, besides call and result. */
  readonly events?: readonly string[];
}

let site: WebSite;

/** Every tool there is has a row. */
const rows: readonly Row[] = [
  { name: "read", arguments: () => ({ path: "notes/tide.md" }), result: "The tide is low." },
  {
    name: "write",
    arguments: (door) => ({ path: `notes/${door}.md`, content: `by ${door}` }),
    asks: true,
    result: /^Created notes\/r/,
    effect: (door) => [`notes/${door}.md`, `by ${door}`],
  },
  {
    name: "edit",
    arguments: (door) => ({ path: `notes/edit-${door}.md`, old_text: "low", new_text: "high" }),
    asks: true,
    result: /^Edited notes\/edit-r/,
    effect: (door) => [`notes/edit-${door}.md`, "The tide is high."],
  },
  {
    name: "bash",
    arguments: (door) => ({ command: `echo by ${door} > notes/bash-${door}; echo printed` }),
    asks: true,
    result: /^printed\n$/,
    effect: (door) => [`notes/bash-${door}`, `by ${door}\n`],
  },
  { name: "skill", arguments: () => ({ skill_name: "meeting-notes" }), result: /wants minutes/ },
  { name: "websearch", arguments: () => ({ query: "sardines" }), result: "1. All about sardines" },
  { name: "webread", arguments: () => ({ url: `${site.url}/page` }), result: "Sardines are small fish" },
  {
    name: "subagent_dispatch",
    arguments: () => ({ agent_id: "cookie", task: "Count the sardines" }),
    result: "It says: Count the sardines",
    events: ["DispatchEvent", "DispatchResultEvent"],
  },
  {
    name: "post_message",
    arguments: (door) => ({ content: "Dinner!", source: `platform-ws:kitchen-${door}` }),
    asks: true,
    result: /^Posted to platform-ws:kitchen-r/,
    events: ["PostedEvent"],
  },
  { name: "mcp__odd__work", arguments: () => ({ text: "hard" }), asks: true, result: 'work {"text":"hard"}' },
];

using dir = tempDir();
let local: LocalApp;
let model: ScriptedModel;

beforeAll(async () => {
  model = await startScriptedModel(obeysAnyone);
  site = await startWebSite(({ url = "" }, response) => {
    const page = `<html><title>Fish</title><article>${"<p>Sardines are small fish, and a cat likes them best when nobody looks.</p>".repeat(5)}</article></html>`;
    const results = [{ title: "All about sardines", url: "https://example.com/", description: "Fish." }];
    if (url === "/page") response.writeHead(200, { "Content-Type": "text/html" }).end(page);
    else response.end(JSON.stringify({ web: { results } }));
  });
  const config = {
    llm: model.llm,
    websearch: { provider: "brave", api_key: "brave-key-0123456789", api_base: site.url },
    mcp: { servers: { odd: { ...oddServer(""), approval: "ask" } } },
  };
  const notes = ["tide", "edit-raw", "edit-rpc"].map((name) => [`notes/${name}.md`, "The tide is low."]);
  local = await startLocalApp(dir.path, { config, files: Object.fromEntries(notes) });
});
afterAll(async () => {
  for (const part of [local, site, model]) await part[Symbol.asyncDispose]();
});

/** All events of the run that answers it. */
async function ask(door: Door, content: string): Promise<readonly Frame[]> {
  await door.send(content);
  const events: Frame[] = [];
  for (;;) {
    const event = await door.next();
    if (event.type === "InboundEvent" && event.content === content) events.push(event);
    if (events.length === 0 || event === events[0] || event.run_id !== events[0]?.run_id) continue;
    events.push(event);
    if (event.type === "ApprovalRequestedEvent") await door.allow(String(event.approval_id));
    if (event.type === "RunEndedEvent") return events;
  }
}

const doors = [
  { door: "/ws", open: openRaw },
  { door: "/trpc", open: openRpc },
];

describe.each(doors)("[RUN6] through $door", ({ open }) => {
  test("[TOOL2] every tool that it is offered has a row here, and every row is a tool", async () => {
    await using door = await open(local.app.url);
    await expect
      .poll(async () => {
        await ask(door, "Hello");
        return model.requests
          .at(-1)
          ?.tools?.map((tool) => tool.function.name)
          .sort();
      })
      .toEqual(rows.map(({ name }) => name).sort());
  });

  test.each(rows)("[APR2] [APR3] $name: called, allowed where it asks, made, and told", async (row) => {
    await using door = await open(local.app.url);
    const args = row.arguments(door.name);
    const events = await ask(door, order(row.name, args));
    const of = (type: string) => events.filter((event) => event.type === type);
    expect(of("ToolCallEvent")).toMatchObject([{ name: row.name, arguments: JSON.stringify(args) }]);
    const asked = of("ApprovalRequestedEvent").map(({ name }) => name);
    expect(asked).toEqual(row.asks ? [row.name] : []);
    expect(of("ApprovalResolvedEvent").map(({ decision }) => decision)).toEqual(row.asks ? ["allow"] : []);
    const [result, ...others] = of("ToolResultEvent");
    expect(others).toEqual([]);
    expect(result).toMatchObject({ name: row.name, content: expect.anything(), is_error: false });
    if (typeof row.result === "string") expect(result?.content).toContain(row.result);
    else expect(result?.content).toMatch(row.result);
    for (const type of row.events ?? []) expect([type, of(type).length]).toEqual([type, 1]);
    const [path, text] = row.effect?.(door.name) ?? [];
    if (path) expect(readFileSync(join(local.workspaceDir, path), "utf8")).toBe(text);
    expect(of("OutboundEvent")).toMatchObject([{ content: `It says: ${result?.content}`, error: null }]);
    expect(of("RunEndedEvent")).toMatchObject([{ status: "completed" }]);
  });
});
