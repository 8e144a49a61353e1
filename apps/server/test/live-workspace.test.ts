import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { LiveWorkspace } from "../src/workspace/live-workspace.ts";
import { openWorkspace } from "../src/workspace/open-workspace.ts";
import { tempDir } from "./support/temp-dir.ts";

const PATIENCE = { timeout: 15_000, interval: 10 };
const agentText = (name: string, prompt: string) => `---\nname: ${name}\n---\n${prompt}\n`;

/** A watched workspace with the agents `a` and `pickle`, and what was reported of it. */
async function watchWorkspace(dir: string) {
  const path = (name: string): string => join(dir, name);
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text, { mode: 0o600 });
  };
  write("config.example.yaml", "llm: {}\n");
  write("agents/a/AGENT.md", agentText("A", "first"));
  write("agents/pickle/AGENT.md", agentText("Pickle", "first"));
  const reports: string[] = [];
  const errors: unknown[] = [];
  const first = await openWorkspace(dir, { env: {} });
  const live = new LiveWorkspace(first, {
    env: {},
    report: (line) => reports.push(line),
    onError: (error) => errors.push(error),
  });
  live.watch(() => undefined);
  return { live, reports, errors, path, write, [Symbol.asyncDispose]: () => live.close() };
}

test("[WSP7] [WSP11] a folder that was replaced, moved or became a link is watched as well as before (P23)", async () => {
  using dir = tempDir();
  await using watched = await watchWorkspace(dir.path);
  const { live, path, write } = watched;
  const remove = (name: string) => rmSync(path(name), { recursive: true });
  const replacements: (() => void)[] = [
    () => {
      remove("agents/a");
      write("agents/a/AGENT.md", agentText("A", "anew"));
    },
    () => {
      write("draft/AGENT.md", agentText("A", "moved"));
      remove("agents/a");
      renameSync(path("draft"), path("agents/a"));
    },
    () => {
      renameSync(path("agents"), path("away"));
      renameSync(path("away"), path("agents"));
    },
    () => {
      write("real/AGENT.md", agentText("A", "linked"));
      remove("agents/a");
      symlinkSync(path("real"), path("agents/a"));
    },
    () => {
      remove("agents/a");
      symlinkSync(path("agents/a"), path("agents/a")); // leads to itself
      remove("agents/a");
      write("agents/a/AGENT.md", agentText("A", "no link"));
    },
  ];
  for (let i = 0; i < 30; i++) {
    replacements[i % replacements.length]?.();
    await delay([0, 30, 130, 250][i % 4]);
    write("agents/a/AGENT.md", agentText("A", `edit ${i}`));
    await expect.poll(() => live.current.agents.get("a")?.systemPrompt, PATIENCE).toBe(`edit ${i}`);
  }
  expect(live.problem).toBeNull();
}, 60_000);

test("[WSP7] [WSP11] a configuration that is a link is followed, also when what it leads to is exchanged, as mounted secrets are", async () => {
  using dir = tempDir();
  using mount = tempDir();
  const within = (name: string): string => join(mount.path, name);
  const mountVersion = (version: number): void => {
    mkdirSync(within(`v${version}`));
    const text = `llm: { provider: offline, model: version-${version} }\n`;
    writeFileSync(within(`v${version}/config.yaml`), text, { mode: 0o600 });
    symlinkSync(`v${version}`, within("next"));
    renameSync(within("next"), within("data"));
    rmSync(within(`v${version - 1}`), { recursive: true, force: true });
  };
  mountVersion(0);
  symlinkSync("data/config.yaml", within("config.yaml"));
  symlinkSync(within("config.yaml"), join(dir.path, "config.user.yaml"));
  await using watched = await watchWorkspace(dir.path);
  const { live } = watched;
  for (let version = 1; version < 5; version++) {
    await delay(300); // the watching has begun anew
    mountVersion(version);
    await expect.poll(() => live.current.config.llm.model, PATIENCE).toBe(`version-${version}`);
  }
});

test("[WSP8] what takes an edit into use may refuse it, and a fault of the system is told without its path", async () => {
  using dir = tempDir();
  await using watched = await watchWorkspace(dir.path);
  const { live, reports, errors, write, path } = watched;
  rmSync(path("agents"), { recursive: true });
  symlinkSync(path("agents"), path("agents")); // the folder itself cannot be listed
  await expect.poll(() => live.problem, PATIENCE).toBe("the workspace cannot be read; the server's log tells why");
  expect(errors).toContainEqual(expect.objectContaining({ code: "ELOOP" }));
  expect(live.current.agents.get("a")?.systemPrompt).toBe("first");
  rmSync(path("agents"));
  write("agents/pickle/AGENT.md", agentText("Pickle", "second"));
  await expect.poll(() => live.problem, PATIENCE).toBeNull();
  expect([...live.current.agents.keys()]).toEqual(["pickle"]);
  live.watch(() => {
    throw new Error(`no room at ${dir.path}`);
  });
  write("agents/pickle/AGENT.md", agentText("Pickle", "third"));
  await expect.poll(() => live.problem, PATIENCE).toMatch(/^the workspace cannot be read/);
  expect(live.current.agents.get("pickle")?.systemPrompt).toBe("second");
  expect(reports.join("\n")).not.toContain(dir.path);
});
