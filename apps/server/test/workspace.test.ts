import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Config } from "../src/workspace/config.ts";
import { createWorkspace } from "../src/workspace/create-workspace.ts";
import { loadAgents } from "../src/workspace/load-agents.ts";
import { loadSkills } from "../src/workspace/load-skills.ts";
import { openWorkspace } from "../src/workspace/open-workspace.ts";
import { startServer } from "./support/server-process.ts";
import { temporaryFolder } from "./workspace-folder.ts";

const template = join(import.meta.dirname, "../../../default_workspace");
const config = Config.parse({});
const online = { provider: "openai", model: "m", api_key: "sk-own-key" };
const onlineConfig = Config.parse({ llm: online });
const good = { "skills/good/SKILL.md": "---\nname: Good\ndescription: Does good.\n---\nBe good.\n" };

async function skillsOf(files: Record<string, string | Uint8Array>) {
  await using folder = await temporaryFolder({ ...good, ...files });
  const { items, warnings } = await loadSkills(folder.path, config);
  expect(items.get("good")).toEqual({ skillId: "good", name: "Good", description: "Does good.", body: "Be good." });
  return { ids: [...items.keys()], warnings };
}

async function agentOf(
  front: string,
  body = "You are a test.",
  files: Record<string, string> = {},
  used = onlineConfig,
) {
  await using folder = await temporaryFolder({ "agents/a/AGENT.md": `---\n${front}\n---\n${body}`, ...files });
  const { items, warnings } = await loadAgents(folder.path, used);
  return { agent: items.get("a"), warnings };
}

describe("agents", () => {
  test("[WSP1] AGENT.md gives name, prompt and defaults", async () => {
    const { agent, warnings } = await agentOf("name: Test");
    expect(agent).toEqual({
      agentId: "a",
      name: "Test",
      description: "",
      systemPrompt: "You are a test.",
      allowSkills: false,
      allowBash: true,
      maxConcurrency: 8,
      llm: onlineConfig.llm,
    });
    expect(warnings).toEqual([]);
  });

  test("[WSP1] SOUL.md is appended as its personality; line ends do not matter", async () => {
    const { agent } = await agentOf("name: Test\r\nallow_skills: true", "\nBody.\n\n", {
      "agents/a/SOUL.md": "\uFEFFKind.\n",
    });
    expect(agent).toMatchObject({ systemPrompt: "Body.\n\n## Personality\n\nKind.", allowSkills: true });
  });

  test("[WSP1] llm overrides are merged over the workspace's", async () => {
    const { agent } = await agentOf("name: T\nllm:\n  temperature: 0\n  timeouts: { idle: 5 }");
    expect(agent?.llm).toEqual({
      ...onlineConfig.llm,
      temperature: 0,
      timeouts: { first_byte: 60, idle: 5, total: 600 },
    });
  });

  test("[WSP1] another address never gets the workspace's key", async () => {
    const elsewhere = await agentOf("name: T\nllm: { api_base: 'http://elsewhere.example/v1' }");
    expect(elsewhere.agent?.llm).not.toHaveProperty("api_key");
    const keyless = await agentOf("name: T\nllm: { provider: openai }");
    expect(keyless.warnings).toEqual([
      expect.stringMatching(/^agents\/a\/AGENT\.md:3: llm\.api_key: skipped: is missing/),
    ]);
  });

  test("[CFG13] an agent with another model does not inherit the prices of the workspace's", async () => {
    const priced = Config.parse({ llm: { ...online, prices: { input: 1, output: 2 } } });
    expect((await agentOf("name: T\nllm: { temperature: 0 }", "x", {}, priced)).agent?.llm.prices?.input).toBe(1);
    expect((await agentOf("name: T\nllm: { model: other }", "x", {}, priced)).agent?.llm.prices).toBeUndefined();
  });

  test("[WSP1] while the workspace is offline, its agents are", async () => {
    const offline = Config.parse({ llm: { provider: "offline" } });
    const { agent } = await agentOf("name: T\nllm: { provider: openai, api_key: sk-1, model: m }", "x", {}, offline);
    expect(agent?.llm.provider).toBe("offline");
  });

  test("[WSP4] a missing default agent is a fault that says why", async () => {
    await using folder = await temporaryFolder({
      "config.user.yaml": "llm: { provider: offline }\ndefault_agent: b\n",
      "agents/a/AGENT.md": "---\nname: A\n---\n",
    });
    const open = () => openWorkspace(folder.path, { env: {} });
    await expect(open()).rejects.toThrow('config.user.yaml:2: default_agent: there is no agent "b"; known agents: a');
    await mkdir(join(folder.path, "agents/b"));
    await writeFile(join(folder.path, "agents/b/AGENT.md"), "no front matter");
    await expect(open()).rejects.toThrow(/there is no agent "b"; agents\/b\/AGENT\.md: skipped: has no front matter/);
  });

  test("[CFG9] a binding to an unknown agent is a fault", async () => {
    await using folder = await temporaryFolder({
      "config.user.yaml":
        "llm: { provider: offline }\ndefault_agent: a\nrouting:\n  bindings:\n    - value: x\n      agent: z\n",
      "agents/a/AGENT.md": "---\nname: A\n---\n",
    });
    await expect(openWorkspace(folder.path, { env: {} })).rejects.toThrow(
      'config.user.yaml:6: routing.bindings.0.agent: there is no agent "z"; known agents: a',
    );
  });
});

describe("one bad item", () => {
  const bad = "skills/bad/SKILL.md";
  test.each([
    ["no front matter", "Just text.", "skills/bad/SKILL.md: skipped: has no front matter"],
    ["never closed", "---\nname: x\n", "skills/bad/SKILL.md: skipped: its front matter is not closed"],
    ["a list", "---\n- name\n---\n", "skills/bad/SKILL.md:2: skipped: must be a mapping"],
    ["no name", "---\ndescription: x\n---\n", "skills/bad/SKILL.md: name: skipped: is missing"],
    ["no description", "---\nname: x\n---\n", "skills/bad/SKILL.md: description: skipped: is missing"],
    ["a name with ..", "---\ndescription: x\nname: ../x\n---\n", "skills/bad/SKILL.md:3: name: skipped: must start"],
    ["a name with /", "---\nname: a/b\ndescription: x\n---\n", "skills/bad/SKILL.md:2: name: skipped: must start"],
    ["the name .", "---\nname: .\ndescription: x\n---\n", "skills/bad/SKILL.md:2: name: skipped: must start"],
    [
      "a long name",
      `---\nname: ${"n".repeat(300)}\ndescription: x\n---\n`,
      "skills/bad/SKILL.md:2: name: skipped: must start",
    ],
    ["10 MB", "x".repeat(10_000_000), "skills/bad/SKILL.md: skipped: is too large (10000000 bytes"],
    ["NUL bytes", "---\nname: x\0\n---\n", "skills/bad/SKILL.md: skipped: holds NUL bytes"],
    ["latin-1", Buffer.from("---\nname: käse\n---\n", "latin1"), "skills/bad/SKILL.md: skipped: is not UTF-8"],
    ["deep nesting", `---\nname: ${"[".repeat(15_000)}\n---\n`, "skills/bad/SKILL.md:2: skipped: is nested too deeply"],
    [
      "deeper nesting",
      `---\nname: ${"[".repeat(100_000)}\n---\n`,
      "skills/bad/SKILL.md: skipped: its front matter is too long",
    ],
  ])("[WSP2] %s: skipped with one warning, the others load", async (_, text, expected) => {
    const { ids, warnings } = await skillsOf({ [bad]: text });
    expect(ids).toEqual(["good"]);
    expect(warnings).toEqual([expect.stringContaining(expected)]);
  });

  test("[WSP2] of two with the same name, whatever the case, the first id stays", async () => {
    const { ids, warnings } = await skillsOf({ "skills/later/SKILL.md": "---\nname: gOOD\ndescription: x\n---\n" });
    expect(ids).toEqual(["good"]);
    expect(warnings).toEqual(["skills/later: skipped: its name or id is used twice"]);
  });

  test("[WSP2] folder names are ids: strange ones are skipped, hidden ones and files are not looked at", async () => {
    const text = "---\nname: X\ndescription: x\n---\n";
    const { ids, warnings } = await skillsOf({
      "skills/sp ace/SKILL.md": text,
      "skills/.hidden/SKILL.md": text,
      "skills/README.md": "x",
    });
    expect(ids).toEqual(["good"]);
    expect(warnings).toEqual([expect.stringMatching(/^skills\/sp ace: skipped: the folder's name/)]);
  });

  test("[WSP2] a workspace without skills has none", async () => {
    await using folder = await temporaryFolder({});
    expect(await loadSkills(folder.path, config)).toEqual({ items: new Map(), warnings: [] });
  });

  test("[WSP3] links are followed only inside the workspace; only regular files are read", async () => {
    const text = "---\nname: Secret\ndescription: outside\n---\nsecret";
    await using outside = await temporaryFolder({ "SKILL.md": text });
    await using folder = await temporaryFolder({ ...good, "shared/SKILL.md": text.replace("Secret", "Shared") });
    const at = (path: string): string => join(folder.path, "skills", path);
    for (const name of ["file-link", "loop", "pipe", "device", "folder"]) await mkdir(at(name));
    await symlink(join(outside.path, "SKILL.md"), at("file-link/SKILL.md"));
    await symlink(outside.path, at("dir-link"));
    await symlink("../shared", at("inner-link"));
    await symlink("SKILL.md", at("loop/SKILL.md"));
    await symlink("/dev/zero", at("device/SKILL.md"));
    await mkdir(at("folder/SKILL.md"));
    execFileSync("mkfifo", [at("pipe/SKILL.md")]);
    const { items, warnings } = await loadSkills(folder.path, config);
    expect([...items.keys()]).toEqual(["good", "inner-link"]);
    expect(warnings.map((line) => line.replace(/^skills\/([a-z-]+)\/SKILL\.md: skipped: /, "$1 "))).toEqual([
      "device leads outside the workspace",
      "dir-link leads outside the workspace",
      "file-link leads outside the workspace",
      "folder is a folder, not a file",
      "loop is a loop of symbolic links",
      "pipe is not a regular file",
    ]);
  });

  test("[WSP3] a file that is rewritten all the time is read whole, old or new, or skipped", async () => {
    await using folder = await temporaryFolder(good);
    const path = join(folder.path, "skills/good/SKILL.md");
    const versions = ["old", "new".repeat(3000)].map((body) => `---\nname: Good\ndescription: d\n---\n${body}`);
    let isRunning = true;
    const rewriting = (async () => {
      for (let n = 0; isRunning; n++) {
        await writeFile(`${path}.tmp`, versions[n % 2] ?? "");
        await rename(`${path}.tmp`, path);
      }
    })();
    for (let n = 0; n < 200; n++) {
      const { items, warnings } = await loadSkills(folder.path, config);
      expect(items.size + warnings.length).toBe(1);
      const skill = items.get("good");
      if (skill) expect(["Be good.", "old", "new".repeat(3000)]).toContain(skill.body);
    }
    isRunning = false;
    await rewriting;
  });

  test("[WSP3] 3,000 skills load quickly", async () => {
    const many = Array.from({ length: 3000 }, (_, n) => [
      `skills/s${n}/SKILL.md`,
      `---\nname: S${n}\ndescription: d\n---\n`,
    ]);
    await using folder = await temporaryFolder(Object.fromEntries(many));
    const start = performance.now();
    expect((await loadSkills(folder.path, config)).items.size).toBe(3000);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("a new workspace", () => {
  test("[WSP5] the packaged one opens offline, without warnings", async () => {
    await using folder = await temporaryFolder({});
    const dir = join(folder.path, "deep/er/workspace");
    await createWorkspace(dir, template);
    const workspace = await openWorkspace(dir, { env: {} });
    expect(workspace).toMatchObject({ dir, isOffline: true, warnings: [] });
    expect([...workspace.agents.keys()]).toEqual(["cookie", "pickle"]);
    expect(workspace.skills.size).toBeGreaterThanOrEqual(2);
    expect(workspace.agents.get("pickle")?.systemPrompt).toContain("## Personality");
  });

  test("[WSP5] only its owner can read it, whatever the umask; secrets and stores are not copied", async () => {
    await using source = await temporaryFolder({
      "config.example.yaml": "a",
      "config.user.yaml": "secret",
      ".event/log": "secret",
      "memories/README.md": "about",
      "memories/topics/me.md": "secret",
      "agents/a/AGENT.md": "x",
    });
    await using folder = await temporaryFolder({});
    const dir = join(folder.path, "new");
    const old = process.umask(0);
    try {
      await createWorkspace(dir, source.path);
    } finally {
      process.umask(old);
    }
    const entries = (await readdir(dir, { recursive: true })).sort();
    expect(entries).toEqual([
      ...[".gitignore", "agents", "agents/a", "agents/a/AGENT.md", "config.example.yaml"],
      ...["memories", "memories/README.md", "memories/daily-notes", "memories/projects", "memories/topics"],
    ]);
    for (const entry of [".", ...entries]) {
      const { mode } = await stat(join(dir, entry));
      expect(`${entry} ${(mode & 0o777).toString(8)}`).toBe(
        `${entry} ${/\./.test(entry.slice(1)) || entry === ".gitignore" ? 600 : 700}`,
      );
    }
    const ignored = (await readFile(join(dir, ".gitignore"), "utf8")).split("\n");
    expect(ignored).toEqual(
      expect.arrayContaining(["config.user.yaml", "config.runtime.yaml", ".event/", ".history/", ".logs/"]),
    );
  });

  test("[WSP5] a folder that holds something is left alone", async () => {
    await using folder = await temporaryFolder({ "mine.txt": "mine" });
    await expect(createWorkspace(folder.path, template)).rejects.toThrow("is there and not empty; choose a new folder");
    expect(await readdir(folder.path)).toEqual(["mine.txt"]);
    await rm(join(folder.path, "mine.txt"));
    await createWorkspace(folder.path, template);
    expect(await readdir(folder.path)).toContain("README.md");
    expect((await readdir(join(folder.path, ".."))).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});

test("[WSP6] the server's data folders are private, and git passes over them in any workspace", async () => {
  await using server = await startServer();
  for (const name of [".event", ".logs"]) {
    const folder = join(server.workspaceDir, name);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe("*\n");
    for (const file of readdirSync(folder))
      expect([file, statSync(join(folder, file)).mode & 0o077]).toEqual([file, 0]);
  }
});
