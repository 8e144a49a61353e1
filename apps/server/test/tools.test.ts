import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { createReadTool } from "../src/agent/tools/read.ts";
import { createToolRegistry } from "../src/agent/tools/registry.ts";
import { createSkillTool } from "../src/agent/tools/skill.ts";
import type { Tool } from "../src/agent/tools/tool.ts";
import { callContext } from "./support/call-context.ts";
import { FILE_TRAPS, setFileTraps } from "./support/file-traps.ts";
import { type TemporaryFolder, temporaryFolder } from "./workspace-folder.ts";

const never = new AbortController().signal;

function read(folder: TemporaryFolder, path: string, privatePaths?: readonly string[]) {
  return createReadTool({ workspaceDir: folder.path, privatePaths }).run({ path });
}

describe("read", () => {
  test("[RUN9] reads a text file of the workspace", async () => {
    await using folder = await temporaryFolder({ "notes/today.md": "Buy sardines. 🐟\n" });
    for (const path of ["notes/today.md", "./notes/today.md", "notes//today.md"]) {
      expect(await read(folder, path)).toEqual({ content: "Buy sardines. 🐟\n", is_error: false });
    }
  });

  test.each([
    "../outside.md",
    "notes/../../outside.md",
    "notes/..",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "%2e%2e/outside.md",
    "notes/today.md\0.png",
    "x".repeat(5000),
    "C:\\secret",
    "..\\outside.md",
    "notes/today.md ",
    "",
    "missing.md",
    "notes/today.md/x",
  ])("[RUN9] refuses %j", async (path) => {
    await using folder = await temporaryFolder({ "w/notes/today.md": "inside", "outside.md": "outside" });
    const result = await createReadTool({ workspaceDir: join(folder.path, "w") }).run({ path });
    expect(result.is_error).toBe(true);
    expect(result.content).toMatch(/^Cannot read ".*": it .+\.$/);
    expect(result.content).not.toContain(folder.path);
  });

  test.each([
    "config.user.yaml",
    "Config.User.yaml",
    "config.user.yaml.bak",
    "config.runtime.yaml",
    ".event/log.sqlite",
    ".history/a",
    ".logs/a",
    ".env",
    ".git/config",
    "store/log.sqlite",
    "link-to-config.md",
  ])("[RUN9] %s is private", async (path) => {
    await using folder = await temporaryFolder({ "config.user.yaml": "secret" });
    await symlink("config.user.yaml", join(folder.path, "link-to-config.md"));
    if (path !== "config.user.yaml" && path !== "link-to-config.md") {
      await mkdir(join(folder.path, path, ".."), { recursive: true });
      await writeFile(join(folder.path, path), "secret");
    }
    const result = await read(folder, path, ["./store/"]);
    expect(result).toEqual({ content: `Cannot read "${path}": it is private.`, is_error: true });
  });

  test("[RUN9] refuses links out, hard links, pipes and devices at once", async () => {
    await using outside = await temporaryFolder({ "secret.md": "secret" });
    await using folder = await temporaryFolder({ "a.md": "a", "dir/b.md": "b" });
    await setFileTraps(folder.path, outside.path);
    for (const path of FILE_TRAPS) {
      const result = await read(folder, path);
      expect(result.is_error, path).toBe(true);
      expect(result.content).not.toContain("secret\n");
    }
  });

  test("[RUN9] [APR8] a link inside the workspace leads around no rule: the answer names the path to read instead", async () => {
    await using folder = await temporaryFolder({ "dir/b.md": "b" });
    await symlink("dir/b.md", join(folder.path, "file-link"));
    await symlink("dir", join(folder.path, "dir-link"));
    for (const [path, real] of [
      ["file-link", "dir/b.md"],
      ["dir-link/b.md", "dir/b.md"],
      ["dir-link", "dir"],
      ["dir-link/", "dir"],
    ] as const) {
      const content = `Cannot read "${path}": it is a link to "${real}": read that path instead.`;
      expect(await read(folder, path)).toEqual({ content, is_error: true });
    }
    expect(await read(folder, "./dir//b.md")).toEqual({ content: "b", is_error: false });
  });

  test("[RUN9] lists a folder: names in order, without what is private", async () => {
    await using folder = await temporaryFolder({
      "notes/b.md": "b",
      "notes/a.md": "a",
      "notes/deep/c.md": "c",
      "notes/.hidden": "secret",
      "notes/config.user.yaml.bak": "secret",
      "notes/two\nlines.md": "x",
      "store/log": "secret",
    });
    const list = async (path: string): Promise<string> => (await read(folder, path, ["store"])).content;
    expect(await list("notes")).toBe('"two\\nlines.md"\na.md\nb.md\ndeep/');
    expect(await list("notes/deep/")).toBe("c.md");
    expect(await list(".")).toBe("notes/");
    await mkdir(join(folder.path, "empty"));
    expect(await list("empty")).toBe("(an empty folder)");
    for (let n = 0; n < 600; n++) await writeFile(join(folder.path, "empty", `${1000 + n}.md`), "");
    expect((await list("empty")).split("\n").slice(-2)).toEqual(["1499.md", "[and 100 more]"]);
  });

  test("[RUN9] lists no folder that is private or outside (X20, X21)", async () => {
    await using outside = await temporaryFolder({ "secret-name.md": "x" });
    await using folder = await temporaryFolder({ "store/secret-name": "x", ".git/secret-name": "x" });
    await symlink(outside.path, join(folder.path, "out"));
    for (const path of ["store", ".git", ".git/", "out", "out/", "..", "/", "../", outside.path, "store/."]) {
      const { content, is_error } = await read(folder, path, ["store"]);
      expect(is_error, path).toBe(true);
      expect(content).not.toMatch(/secret-name/);
    }
  });

  test("[RUN9] a link swapped in while the file is opened leads nowhere", async () => {
    await using outside = await temporaryFolder({ "notes/x.md": "secret" });
    await using folder = await temporaryFolder({ "notes/x.md": "inside" });
    const at = (path: string): string => join(folder.path, path);
    await symlink(join(outside.path, "notes"), at("evil"));
    // another process, so that it really happens between any two steps of the read
    const swap = `const { renameSync } = require("node:fs");
      for (;;) for (const [from, to] of [["notes", "real"], ["evil", "notes"], ["notes", "evil"], ["real", "notes"]]) renameSync(from, to);`;
    const swapper = spawn(process.execPath, ["-e", swap], { cwd: folder.path, stdio: "ignore" });
    const swapperExit = once(swapper, "exit");
    const contents = new Set<string>();
    for (let n = 0; n < 3000; n++) {
      const result = await read(folder, "notes/x.md");
      contents.add(result.is_error ? "refused" : result.content);
    }
    swapper.kill("SIGKILL");
    await swapperExit;
    expect(contents).not.toContain("secret");
    expect(contents).toContain("inside");
  });

  test("[RUN9] a large file is cut at 64 KiB between characters, with a note", async () => {
    await using folder = await temporaryFolder({ "big.md": `a${"é".repeat(40_000)}`, "huge.md": "x" });
    const { content, is_error } = await read(folder, "big.md");
    expect(is_error).toBe(false);
    expect(content).toBe(`a${"é".repeat(32_767)}\n[cut: the first 65536 of 80001 bytes]`);
    await truncate(join(folder.path, "huge.md"), 5 * 1024 ** 3);
    expect((await read(folder, "huge.md")).content).toContain("is a binary file");
    await rm(join(folder.path, "huge.md"));
  });

  test("[RUN9] other than text is named, not shown", async () => {
    await using folder = await temporaryFolder({
      "a.png": Buffer.from([0x89, 0x50, 0, 1]),
      "b.txt": Buffer.from("käse", "latin1"),
    });
    expect((await read(folder, "a.png")).content).toContain("is a binary file");
    expect((await read(folder, "b.txt")).content).toContain("is a binary file (not UTF-8 text)");
  });
});

describe("skill", () => {
  const skill = { skillId: "meeting-notes", name: "Meeting notes", description: "Minutes.", body: "1. Listen." };
  const tool = createSkillTool(new Map([[skill.skillId, skill]]));

  test("[TOOL1] is offered with its descriptions and found by id or name", async () => {
    expect(tool.description).toContain("- meeting-notes: Minutes.");
    for (const skill_name of ["meeting-notes", "Meeting Notes", " MEETING-NOTES "]) {
      expect(await tool.run({ skill_name })).toEqual({ content: "1. Listen.", is_error: false });
    }
    expect(await tool.run({ skill_name: "fly" })).toEqual({
      content: 'There is no skill "fly". Skills: meeting-notes',
      is_error: true,
    });
  });

  test("[TOOL1] ten thousand skills do not flood the prompt", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => [`skill-${n}`, { ...skill, skillId: `skill-${n}` }] as const);
    const { description } = createSkillTool(new Map(many));
    expect(description.length).toBeLessThan(17_000);
    expect(description).toMatch(/\(and \d+ more\)$/);
  });
});

describe("registry", () => {
  const Input = z.object({ word: z.string().max(5).describe("a word"), times: z.int().min(1).optional() });
  const tool = (name: string, run: Tool<typeof Input>["run"]): Tool<typeof Input> => ({
    name,
    description: `Does ${name}.`,
    input: Input,
    isReadOnly: name === "echo",
    approval: "allow",
    isResumable: name === "linger",
    timeoutMs: name === "linger" || name === "hang" ? 50 : undefined,
    run,
  });
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const registry = createToolRegistry(
    [
      tool("echo", async ({ word }) => ({ content: word, is_error: false })),
      tool("throw", () => Promise.reject(new Error("/home/secret failed"))),
      tool("hang", () => new Promise(() => {})),
      tool("linger", (_, signal) => {
        const { promise, resolve } = Promise.withResolvers<{ content: string; is_error: boolean }>();
        signal.addEventListener("abort", () => setTimeout(resolve, 20, { content: "so far", is_error: true }));
        return promise;
      }),
      tool("flood", async () => ({ content: "x".repeat(500_000), is_error: false })),
    ],
    { onError },
  );
  const run = (name: string, args: string, signal = never) => registry.run(callContext(name, args), signal);

  test("[TOOL2] describes tools as JSON Schema", () => {
    expect(registry.tools()[0]).toEqual({
      name: "echo",
      description: "Does echo.",
      parameters: {
        type: "object",
        properties: {
          word: { type: "string", maxLength: 5, description: "a word" },
          times: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
        },
        required: ["word"],
        additionalProperties: false,
      },
    });
    expect(registry.tools()).toBe(registry.tools());
  });

  test.each([
    ["echo", '{"word":"hi"}', false, /^hi$/],
    ["fly", "{}", true, /^There is no tool "fly"\. Tools: echo, throw, hang, linger, flood$/],
    ["echo", '{"word":', true, /^The arguments of "echo" are not valid JSON/],
    ["echo", "", true, /^Invalid arguments for "echo": word: /],
    ["echo", '["hi"]', true, /^Invalid arguments for "echo": /],
    ["echo", '{"word":"too long"}', true, /^Invalid arguments for "echo": word: Too big/],
    ["throw", '{"word":"x"}', true, /^"throw" failed unexpectedly$/],
    ["hang", '{"word":"x"}', true, /^"hang" did not finish within 0\.05 s and was stopped$/],
    ["linger", '{"word":"x"}', true, /^so far$/],
    ["flood", '{"word":"x"}', false, /x\n\[cut: the first 100000 of 500000 characters\]$/],
  ])("[TOOL2] %s with %j is answered with text", async (name, args, isError, content) => {
    expect(await run(name, args)).toEqual({ content: expect.stringMatching(content), is_error: isError });
  });

  test("[TOOL2] an unexpected failure goes to the server's log, a stop does not", async () => {
    errors.length = 0;
    await run("throw", '{"word":"x"}');
    await run("hang", '{"word":"x"}');
    await run("hang", '{"word":"x"}', AbortSignal.timeout(5));
    expect(errors).toEqual([new Error("/home/secret failed")]);
  });

  test("[TOOL2] stops when the run stops", async () => {
    expect(await run("hang", '{"word":"x"}', AbortSignal.timeout(5))).toMatchObject({ content: '"hang" was stopped' });
    expect(await run("echo", '{"word":"x"}', AbortSignal.abort())).toMatchObject({ is_error: true });
  });

  test("[TOOL2] knows which calls may be repeated; unknown ones may not", () => {
    const names = ["echo", "linger", "throw", "fly"]; // changes nothing, goes on where it was, neither, unknown
    expect(names.map((name) => registry.isRepeatable(name))).toEqual([true, true, false, false]);
    expect(() =>
      createToolRegistry([tool("a", () => new Promise(() => {})), tool("a", () => new Promise(() => {}))], { onError }),
    ).toThrow("same name");
  });
});
