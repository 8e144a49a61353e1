import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { type EditedWorkspace, editWorkspace, type Saving } from "./support/edited-workspace.ts";
import { connectRaw, type RawClient } from "./support/raw-client.ts";
import { type ScriptedModel, says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";

const CONFIG = "config.user.yaml";
const RUNTIME = "config.runtime.yaml";
const AGENT = "agents/pickle/AGENT.md";
const SKILL = "skills/meeting-notes/SKILL.md";
const TEN_MB = Buffer.alloc(10 * 1024 * 1024, "x");
const agentText = (prompt: string) => `---\nname: Pickle\n---\n${prompt}\n`;

type Fault = [name: string, file: string, put: string | Uint8Array | ((path: string) => void), problem: RegExp];

const FAULTS: readonly Fault[] = [
  ["C01 missing", CONFIG, () => undefined, /^config\.user\.yaml: is gone; put it back/],
  ["C02 empty", CONFIG, "", /^config\.user\.yaml: is empty; fill it with: cp/],
  ["C03 only comments", CONFIG, "# nothing\n\n", /is empty/],
  ["C04 a scalar", CONFIG, "hello\n", /must be a mapping/],
  ["C05 a list", CONFIG, "- llm\n", /must be a mapping/],
  ["C06 a folder", CONFIG, (path) => mkdirSync(path), /is not a regular file/],
  ["C07 a tab", CONFIG, "llm:\n\tprovider: offline\n", /^config\.user\.yaml:2: .*tab/i],
  ["C08 an unclosed quote", CONFIG, 'default_agent: "pickle\n', /^config\.user\.yaml:\d/],
  ["C09 a key twice", CONFIG, "llm: {}\nllm: {}\n", /^config\.user\.yaml:2: /],
  ["C10 two documents", CONFIG, "llm: {}\n---\nllm: {}\n", /^config\.user\.yaml/],
  ["C12 latin-1", CONFIG, Buffer.from("default_agent: pick\xe9\n", "latin1"), /is not UTF-8/],
  ["C13 many aliases", CONFIG, `a: &a [1]\nb: [${"*a,".repeat(100)}]\n`, /alias/i],
  ["C14 a cycle", CONFIG, "a: &a [*a]\n", /alias/i],
  ["C15 deep", CONFIG, `a: ${"[".repeat(20_000)}`, /nested|deep|levels/i],
  ["C15 huge", CONFIG, TEN_MB, /is too large/],
  ["C16 __proto__", CONFIG, "__proto__: { polluted: true }\n", /__proto__/],
  ["C18 a port that is text", CONFIG, 'llm: { provider: offline }\napi: { port: "8000" }\n', /api\.port/],
  [
    "C20 a port out of range",
    CONFIG,
    "llm: { provider: offline }\napi: { port: 65536 }\n",
    /^config\.user\.yaml:2: api\.port/,
  ],
  ["C23 open to others", CONFIG, "llm: { provider: offline }\napi: { host: 0.0.0.0 }\n", /api\.host: .*set api\.token/],
  ["C25 a short token", CONFIG, "llm: { provider: offline }\napi: { token: changeme }\n", /api\.token/],
  ["C27 a bad address", CONFIG, "llm: { api_base: 'ftp://x', api_key: k }\n", /llm\.api_base/],
  ["C28 temperature NaN", CONFIG, "llm: { provider: offline, temperature: .nan }\n", /llm\.temperature/],
  [
    "C29 an unknown key",
    CONFIG,
    "llm: { provider: offline }\nlmm: {}\n",
    /^config\.user\.yaml:2: lmm: is not a known key/,
  ],
  ["C30 a path outside", CONFIG, "logging_path: ../elsewhere\n", /logging_path/],
  ["C31 an unset variable", CONFIG, `llm: { api_key: '\${MY_BOT_NOT_SET}' }\n`, /MY_BOT_NOT_SET/],
  ["no such agent", CONFIG, "llm: { provider: offline }\ndefault_agent: nobody\n", /there is no agent "nobody"/],
  ["a bad second file", RUNTIME, "llm: [\n", /^config\.runtime\.yaml/],
  [
    "W01 no front matter",
    AGENT,
    "Just text.\n",
    /^config\.\S+ default_agent: .*AGENT\.md: skipped: has no front matter/,
  ],
  [
    "W02 front matter not closed",
    SKILL,
    "---\nname: x\n",
    /SKILL\.md: its front matter is not closed .*; mend it, or remove the folder skills\/meeting-notes/,
  ],
  ["W03 a list", SKILL, "---\n- x\n---\n", /SKILL\.md:2: must be a mapping/],
  ["W04 no name", SKILL, "---\ndescription: x\n---\n", /name: is missing/],
  ["W05 a bad name", SKILL, "---\ndescription: x\nname: ../x\n---\n", /SKILL\.md:3: name: must start/],
  [
    "W06 a name twice",
    SKILL,
    "---\ndescription: x\nname: Explain-my-bot\n---\n",
    /meeting-notes: its name or id is used twice/,
  ],
  ["W07 10 MB", SKILL, TEN_MB, /is too large/],
  ["W08 NUL bytes", SKILL, "---\nname: x\n\0---\n", /NUL/],
  ["W09 not UTF-8", SKILL, Buffer.from("---\nname: \xe9\n---\n", "latin1"), /is not UTF-8/],
  ["W10 a link out", SKILL, (path) => symlinkSync("/etc/passwd", path), /leads outside the workspace/],
  ["W12 a link to itself", SKILL, (path) => symlinkSync(path, path), /loop of symbolic links/],
  ["W14 only the file gone", SKILL, () => undefined, /SKILL\.md: not found/],
  ["W17 deep front matter", SKILL, `---\nname: ${"[".repeat(20_000)}\n---\n`, /is too long/],
  ["W22 a pipe", SKILL, (path) => execFileSync("mkfifo", [path]), /is not a regular file/],
  ["W22 a device", "agents/pickle/SOUL.md", (path) => symlinkSync("/dev/zero", path), /leads outside the workspace/],
];

const PAUSE_MS = 25; // stays below the limit of messages per second

/** Asks until each message has its answer; resolves with how many there were. Every one has to be without an error. */
async function converse(client: RawClient, signal: AbortSignal): Promise<number> {
  let answered = 0;
  for (; !signal.aborted; answered++) {
    client.send({ source: `flow-${Math.floor(answered / 40)}`, content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
    await delay(PAUSE_MS);
  }
  return answered;
}

/** Both files are whole again, with a mark that shows up in the model's next request. */
async function restore(workspace: EditedWorkspace, model: ScriptedModel, mark: string): Promise<void> {
  workspace.writeConfig({ llm: { ...model.llm, model: mark } });
  workspace.write(AGENT, agentText(mark));
  await expect
    .poll(workspace.info, { timeout: 15_000 })
    .toMatchObject({ llm: { model: mark }, workspace: { problem: null } });
}

test("[WSP8] [WSP11] each fault of a file is refused whole and told once, while messages are answered (P23)", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm }, files: { [RUNTIME]: "llm: {}\n" } });
  await using client = await connectRaw(server.url);
  const workspace = editWorkspace(server);
  const stop = new AbortController();
  const conversing = converse(client, stop.signal);
  conversing.catch(() => undefined); // told where it is awaited
  const told: string[] = [];
  for (const [name, file, put, pattern] of FAULTS) {
    const kept = fileOrNone(workspace.path(file));
    const { loaded_at } = (await workspace.info()).workspace;
    const problem = await workspace.refuse(() => {
      workspace.remove(file);
      if (typeof put === "function") put(workspace.path(file));
      else workspace.write(file, put);
    });
    expect(problem, name).toMatch(pattern);
    expect(problem, name).not.toContain(server.workspaceDir);
    expect((await workspace.info()).workspace, name).toEqual({ loaded_at, problem });
    told.push(`warning: ${problem} (the last good version stays in use)`);
    workspace.remove(file);
    if (kept !== undefined) workspace.write(file, kept);
    await expect
      .poll(async () => (await workspace.info()).workspace, { timeout: 15_000 })
      .toEqual({ loaded_at, problem: null });
  }
  stop.abort();
  expect(await conversing).toBeGreaterThan(50);
  expect(server.stderr).toEqual(told);
  expect(new Set(model.requests.map((request) => request.model))).toEqual(new Set(["scripted"]));
  await restore(workspace, model, "last");
}, 180_000);

function fileOrNone(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

test("[WSP8] [WSP2] a bad agent or skill that is new is skipped with one warning, and the rest of the edit is used", async () => {
  await using server = await startServer();
  const workspace = editWorkspace(server);
  await workspace.use(() => {
    workspace.write("skills/bad/SKILL.md", "Just text.");
    workspace.write(AGENT, agentText("You are edited."));
  });
  expect(server.stderr).toEqual([
    expect.stringMatching(/^warning: skills\/bad\/SKILL\.md: skipped: has no front matter/),
  ]);
  await workspace.use(() => workspace.write("agents/new/AGENT.md", "---\nname: New\n---\nHello.\n"));
  expect((await workspace.listAgents()).map(({ agent_id }) => agent_id)).toContain("new");
  expect(server.stderr).toHaveLength(1);
});

test("[WSP8] a fault that lies in files that were not watched yet is mended by an edit of those", async () => {
  await using server = await startServer({ config: { llm: { provider: "offline" } } });
  const workspace = editWorkspace(server);
  const problem = await workspace.refuse(() => {
    workspace.writeConfig({ llm: { provider: "offline" }, agents_path: "people", default_agent: "max" });
  });
  expect(problem).toMatch(/there is no agent "max"/);
  await workspace.use(() => workspace.write("people/max/AGENT.md", agentText("Hi.").replace("Pickle", "Max")));
  expect(await workspace.info()).toMatchObject({ default_agent: "max" });
});

test("[WSP7] [WSP11] files rewritten every 50 ms, well and badly: no run fails, and the last good version is in use (P23)", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  const workspace = editWorkspace(server);
  const stop = new AbortController();
  const conversing = converse(client, stop.signal);
  conversing.catch(() => undefined); // told where it is awaited
  const savings: readonly Saving[] = ["in place", "by rename", "after removing"];
  const bad = FAULTS.filter(
    ([, file, put]) => [CONFIG, AGENT, SKILL].includes(file) && typeof put !== "function" && put !== TEN_MB,
  );
  for (let i = 0; i < 100; i++) {
    const saving = savings[i % savings.length] ?? "in place";
    const [, file = "", put = ""] = bad[(i * 7) % bad.length] ?? [];
    if (i % 2 === 0 && typeof put !== "function") workspace.write(file, put, saving);
    else if (i % 4 === 1) workspace.write(CONFIG, stringify({ llm: { ...model.llm, model: `good-${i}` } }), saving);
    else workspace.write(AGENT, agentText(`good-${i}`), saving);
    await delay(i % 25 === 24 ? 400 : 50);
  }
  workspace.write(SKILL, "---\nname: Notes\ndescription: last\n---\nx\n", "by rename");
  await restore(workspace, model, "last");
  stop.abort();
  expect(await conversing).toBeGreaterThan(20);
  client.send({ source: "end", content: "Hi" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
  expect(model.requests.at(-1)?.model).toBe("last");
  expect(model.requests.at(-1)?.messages[0]?.content).toMatch(/^last/);
  for (const request of model.requests) expect(request.model).toMatch(/^(scripted|good-\d+|last)$/);
  expect(await server.stop("SIGTERM")).toBe(0);
}, 120_000);

test("[WSP11] a server that is stopped amid edits ends at once, and starts again", async () => {
  await using server = await startServer();
  const workspace = editWorkspace(server);
  for (let i = 0; i < 300; i++) workspace.write(`skills/many-${i}/SKILL.md`, `---\nname: S${i}\ndescription: x\n---\n`);
  await delay(120); // the reading of all these is about to begin
  workspace.write(CONFIG, "llm: { provider: offline }\n");
  const stoppedAt = performance.now();
  expect(await server.stop("SIGTERM")).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(20_000); // a watcher that was left on would keep it alive
  await server.start();
  expect(await workspace.info()).toMatchObject({ workspace: { problem: null } });
});
