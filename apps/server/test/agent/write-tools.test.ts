import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { chmod, readdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEditTool } from "../../src/agent/tools/edit.ts";
import type { ToolResult } from "../../src/agent/tools/tool.ts";
import { createWriteTool } from "../../src/agent/tools/write.ts";
import { FILE_TRAPS, setFileTraps } from "../support/file-traps.ts";
import { type TemporaryFolder, temporaryFolder } from "../workspace-folder.ts";

function write(folder: TemporaryFolder, path: string, content = "new", privatePaths?: readonly string[]) {
  return createWriteTool({ workspaceDir: folder.path, privatePaths }).run({ path, content });
}

function edit(folder: TemporaryFolder, path: string, [old_text, new_text]: readonly [string, string]) {
  return createEditTool({ workspaceDir: folder.path }).run({ path, old_text, new_text });
}

/** Every file below `dir` with its text; links, pipes and devices by name only. */
async function listTexts(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, "utf8")] as const)),
  );
}

describe("what may be written", () => {
  test("[TOOL7] a file of the workspace, with the folders on the way", async () => {
    await using folder = await temporaryFolder({ "notes/today.md": "old" });
    expect(await write(folder, "notes/today.md", "Käse 🧀\n")).toEqual({
      content: "Replaced notes/today.md: 11 bytes.",
      is_error: false,
    });
    expect(await write(folder, "./a//b/c.md", "")).toEqual({
      content: "Created ./a//b/c.md: 0 bytes.",
      is_error: false,
    });
    expect(await listTexts(folder.path)).toEqual({
      [join(folder.path, "notes/today.md")]: "Käse 🧀\n",
      [join(folder.path, "a/b/c.md")]: "",
    });
  });

  test.each([
    "../outside.md",
    "notes/../../outside.md",
    "notes/..",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "%2e%2e/outside.md",
    "..%2foutside.md",
    "notes/today.md\0.png",
    "x".repeat(5000),
    "x".repeat(300),
    "C:\\secret",
    "..\\outside.md",
    "notes/today.md ",
    "",
    ".",
    "notes",
    "notes/",
    "notes/today.md/x",
  ])("[TOOL7] %j is refused (X20)", async (path) => {
    await using folder = await temporaryFolder({ "w/notes/today.md": "inside", "outside.md": "outside" });
    const inner = { ...folder, path: join(folder.path, "w") };
    const before = await listTexts(folder.path);
    for (const [verb, result] of [
      ["write", await write(inner, path)],
      ["edit", await edit(inner, path, ["side", "new"])],
    ] as const) {
      expect(result.is_error, verb).toBe(true);
      expect(result.content).toMatch(new RegExp(`^Cannot ${verb} ".*": it .+\\.$`));
      expect(result.content).not.toContain(folder.path);
    }
    expect(await listTexts(folder.path)).toEqual(before);
  });

  test.each([
    "config.user.yaml",
    "Config.User.yaml",
    "config.user.yaml.bak",
    "config.runtime.yaml",
    "config.example.yaml",
    ".event/log.sqlite",
    ".EVENT/log.sqlite",
    ".logs/a",
    ".env",
    ".git/hooks/pre-commit",
    "sub/.git/config",
    "store/log.sqlite",
  ])("[TOOL7] %s is never written (X23)", async (path) => {
    await using folder = await temporaryFolder({ "config.user.yaml": "secret" });
    expect(await write(folder, path, "mine", ["./store/"])).toEqual({
      content: `Cannot write "${path}": it is private.`,
      is_error: true,
    });
    expect(await listTexts(folder.path)).toEqual({ [join(folder.path, "config.user.yaml")]: "secret" });
  });

  test("[TOOL7] links, hard links, pipes, devices and huge files are refused at once (X21, X22)", async () => {
    await using outside = await temporaryFolder({ "secret.md": "secret" });
    await using folder = await temporaryFolder({ "a.md": "secret", "dir/b.md": "secret", "huge.md": "secret" });
    const at = (path: string): string => join(folder.path, path);
    await symlink("a.md", at("inner-link"));
    await symlink("dir", at("inner-dir"));
    await setFileTraps(folder.path, outside.path);
    await truncate(at("huge.md"), 5 * 1024 ** 3);
    for (const path of [...FILE_TRAPS, "dir-link/new.md", "inner-link", "inner-dir/b.md", "huge.md"]) {
      expect((await write(folder, path)).is_error, path).toBe(true);
      expect((await edit(folder, path, ["secret", "mine"])).is_error, path).toBe(true);
    }
    expect(await listTexts(outside.path)).toEqual({ [join(outside.path, "secret.md")]: "secret" });
    expect((await write(folder, "huge.md")).content).toContain("is too large (5368709120 bytes; at most 1048576)");
    expect((await write(folder, "big.md", "é".repeat(600_000))).content).toContain("would be too large (1200000 bytes");
    expect(existsSync(at("big.md"))).toBe(false);
  });

  test("[TOOL7] links that are swapped in while a file is written lead nowhere: 1,000 races (X21)", async () => {
    await using outside = await temporaryFolder({ "notes/x.md": "secret", "x.md": "secret" });
    await using folder = await temporaryFolder({ "notes/x.md": "inside", "evil-x.md": "inside" });
    const at = (path: string): string => join(folder.path, path);
    await symlink(join(outside.path, "notes"), at("evil"));
    await symlink(join(outside.path, "x.md"), at("evil-file"));
    // another process, so that it really happens between any two steps of a write
    const swap = `const { renameSync } = require("node:fs");
      const rename = (from, to) => { try { renameSync(from, to); } catch {} };
      const steps = [["notes", "real"], ["evil", "notes"], ["notes", "evil"], ["real", "notes"],
        ["evil-file", "notes/x.md"], ["notes/x.md", "evil-file"]];
      for (;;) for (const [from, to] of steps) rename(from, to);`;
    const swapper = spawn(process.execPath, ["-e", swap], { cwd: folder.path, stdio: "ignore" });
    const swapperExit = once(swapper, "exit");
    const before = await listTexts(outside.path);
    let written = 0;
    for (let n = 0; n < 1000; n++) {
      const result = n % 2 === 0 ? await write(folder, "notes/x.md") : await edit(folder, "notes/x.md", ["n", "n2"]);
      if (!result.is_error) written += 1;
    }
    swapper.kill("SIGKILL");
    await swapperExit;
    expect(await listTexts(outside.path)).toEqual(before);
    expect(written).toBeGreaterThan(0);
  });
});

describe("how it is written", () => {
  test("[TOOL8] a reader sees the old file or the new one; the mode stays, no temporary file does", async () => {
    await using folder = await temporaryFolder({ "run.sh": "x".repeat(500_000) });
    const path = join(folder.path, "run.sh");
    await chmod(path, 0o750);
    const reader = `const { readFileSync } = require("node:fs"); const seen = new Set();
      for (let text = ""; text[0] !== "z"; seen.add(text[0] + text.length)) text = readFileSync("run.sh", "utf8");
      console.log([...seen].join());`;
    const child = spawn(process.execPath, ["-e", reader], { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] });
    const [seen] = await Promise.all([
      child.stdout.toArray().then((chunks) => Buffer.concat(chunks).toString()),
      (async () => {
        for (let n = 0; n < 50; n++) await write(folder, "run.sh", "xy"[n % 2]?.repeat(500_000));
        await write(folder, "run.sh", "z".repeat(500_000));
      })(),
    ]);
    for (const version of seen.trim().split(",")) expect(version).toMatch(/^[xyz]500000$/);
    expect(statSync(path).mode & 0o777).toBe(0o750);
    expect(await readdir(folder.path)).toEqual(["run.sh"]);
  });

  test("[TOOL8] edit replaces what stands exactly once, and else tells how often", async () => {
    await using folder = await temporaryFolder({
      "a.md": "\ufeffone two two $& three\r\n",
      "b.bin": new Uint8Array([0, 1]),
    });
    const text = (): Promise<string> => readFile(join(folder.path, "a.md"), "utf8");
    const content = async (...texts: [string, string]): Promise<string> => (await edit(folder, "a.md", texts)).content;
    expect(await content("four", "4")).toMatch(/^Cannot edit "a.md": it does not hold old_text \(0 places\)/);
    expect(await content("two", "2")).toMatch(/it holds old_text in 2 places/);
    expect(await content("one", "one")).toMatch(/would stay as it is/);
    expect(await text()).toBe("\ufeffone two two $& three\r\n");
    expect(await content("two $&", "$& $1")).toBe("Edited a.md: 1 place, now 24 bytes.");
    expect(await text()).toBe("\ufeffone two $& $1 three\r\n");
    expect((await edit(folder, "none.md", ["a", "b"])).content).toBe('Cannot edit "none.md": it does not exist.');
    expect((await edit(folder, "none/none.md", ["a", "b"])).content).toContain("it does not exist");
    expect((await edit(folder, "b.bin", ["a", "b"])).content).toContain("not a text file");
    expect(existsSync(join(folder.path, "none"))).toBe(false);
    await writeFile(join(folder.path, "c.md"), "aaa");
    expect((await edit(folder, "c.md", ["aa", "b"])).content).toContain("2 places");
  });

  test("[TOOL8] of edits that are made at once none is lost", async () => {
    const words = Array.from({ length: 30 }, (_, n) => `<${n}>`);
    await using folder = await temporaryFolder({ "a.md": words.join("") });
    const results: ToolResult[] = await Promise.all(words.map((word) => edit(folder, "a.md", [word, word.repeat(2)])));
    expect(results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(await readFile(join(folder.path, "a.md"), "utf8")).toBe(words.map((word) => word.repeat(2)).join(""));
  });
});

describe("what whoever is asked sees", () => {
  test("[TOOL9] a unified diff, of a new file too; nothing is made for it", async () => {
    await using folder = await temporaryFolder({ "a.md": "one\ntwo\nthree\n" });
    const options = { workspaceDir: folder.path };
    expect(await createEditTool(options).preview({ path: "a.md", old_text: "two", new_text: "2" })).toBe(
      "--- a.md\n+++ a.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
    );
    expect(await createWriteTool(options).preview({ path: "x/b.md", content: "hi\n" })).toBe(
      "--- x/b.md\t(no such file)\n+++ x/b.md\n@@ -0,0 +1,1 @@\n+hi\n",
    );
    expect(await createWriteTool(options).preview({ path: "../b.md", content: "" })).toMatch(
      /^Cannot write "..\/b.md"/,
    );
    const [before, after] = ["old", "new"].map((word) =>
      Array.from({ length: 9000 }, (_, n) => `${word} ${n}\n`).join(""),
    );
    await writeFile(join(folder.path, "a.md"), before ?? "");
    const huge = await createWriteTool(options).preview({ path: "a.md", content: after ?? "" });
    expect(huge).toMatch(
      /^a.md: too many changes for a diff\n- 79890 bytes, sha256 [0-9a-f]{64}\n\+ 79890 bytes, sha256/,
    );
    expect(await readdir(folder.path)).toEqual(["a.md"]);
  });

  test("[TOOL9] what changes instructions asks, whatever the configuration allows (X23)", () => {
    const tool = createWriteTool({ workspaceDir: "." });
    const asks = (path: string): boolean => tool.alwaysAsks({ path, content: "" });
    const instructions = [
      "AGENT.md",
      "agents/a/agent.md",
      "AGENTS.md",
      "x/SOUL.md",
      "skills/a/SKILL.md",
      "BOOTSTRAP.md",
    ];
    expect([...instructions, "crons/a/CRON.md", "./agents//a/./SOUL.md"].filter((path) => !asks(path))).toEqual([]);
    expect(["notes.md", "skills.md", "memories/soul.txt"].filter(asks)).toEqual([]);
    expect([tool, createEditTool({ workspaceDir: "." })].map(({ approval }) => approval)).toEqual(["ask", "ask"]);
  });
});
