import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { previewCommand } from "../../src/agent/tools/preview-command.ts";
import { createToolRegistry } from "../../src/agent/tools/registry.ts";
import type { Tool } from "../../src/agent/tools/tool.ts";
import { approvalOf } from "../../src/agent/tools/tool-approval.ts";
import { Config } from "../../src/workspace/config.ts";
import { callContext } from "../support/call-context.ts";
import { temporaryFolder } from "../workspace-folder.ts";

const never = new AbortController().signal;

function judge(name: string, approval: "allow" | "ask", input: Record<string, unknown>, section: object): string {
  return approvalOf({ name, approval }, input, Config.parse({ tools: { [name]: section } }).tools);
}

describe("rules for commands", () => {
  const rules = [
    { match: "git push", approval: "deny" },
    { match: "git", approval: "allow" },
    { match: "npm test", approval: "allow" },
    { match: "env", approval: "allow" },
    { match: "busybox", approval: "allow" },
    { match: "sh build.sh", approval: "allow" },
    { match: "echo", approval: "allow" },
    { match: "FOO=1", approval: "allow" },
  ];
  const plain = [
    ["git status", "allow"],
    ["git status --short -- src/a.ts", "allow"],
    ["git  log\t-5", "allow"],
    ["npm test", "allow"],
    ["npm test --workspace=a", "allow"],
    ["npm tests", "ask"],
    ["npm run build", "ask"],
    ["gitx status", "ask"],
    ["echo a@b.example:1,2%+", "allow"],
    ["git push", "deny"],
    ["git push --force", "deny"],
    ["/usr/bin/git push", "deny"],
    ["cd sub; git push", "deny"],
    ["rm -rf /", "ask"],
  ] as const;
  test.each(plain)("[APR8] %j is %s (X25)", (command, approval) => {
    expect(judge("bash", "ask", { command }, { rules })).toBe(approval);
  });

  const tricks = [
    ...["git status; rm -rf .", "git status & rm x", "git status && rm x", "git status | sh", "git status\nrm x"],
    ...["git status\r\nrm x", "git $(rm x)", "git `rm x`", "git $HOME", "git status > ~/.bashrc", "git < x", "git *"],
    ...["git st?tus", "git [a]", "git {a,b}", "git ~", "git 'a'", 'git "a"', "git \\a", "git #", "git !x", "git ^a"],
    ...["env -S git", "env git status", "busybox sh x", "/usr/bin/env x", "./env x", "sh build.sh", "FOO=1 git status"],
    ...[
      "FOO=1",
      "PATH=. git",
      "git\0x",
      "echo \u00a0rm",
      "echo \u2028rm",
      "(git)",
      "git status;",
      " git status",
      "git\u000bx",
    ],
  ];
  test.each(tricks)("[APR8] %j matches no rule that allows (X25)", (command) => {
    expect(judge("bash", "ask", { command }, { rules: rules.slice(1) })).toBe("ask");
    expect(judge("bash", "ask", { command }, { approval: "deny", rules: rules.slice(1) })).toBe("deny");
  });

  test("[APR8] beside rules that deny, what cannot be read for certain is asked about", () => {
    const section = { approval: "allow", rules: [{ match: "git push", approval: "deny" }] };
    const seen = ["ls -l", "git push", "cd x && git push", "g=git; $g push", "xargs git pull", "env -S 'a b'"];
    expect(seen.map((command) => judge("bash", "ask", { command }, section))).toEqual(
      ["allow", "deny", "deny", "ask", "ask", "ask"], //
    );
    expect(judge("bash", "ask", { command: "a | b" }, { approval: "allow" })).toBe("allow");
  });
});

describe("rules for paths and other arguments", () => {
  const rules = [
    { match: "notes/private", approval: "deny" },
    { match: "notes/", approval: "allow" },
    { match: "drafts/*.md", approval: "allow" },
    { match: "src/**/*.ts", approval: "allow" },
  ];
  test.each([
    ["notes/today.md", "allow"],
    ["./notes//today.md", "allow"],
    ["notes", "allow"],
    ["notes.md", "ask"],
    ["notes/private/diary.md", "deny"],
    ["Notes/PRIVATE/diary.md", "deny"],
    ["notes/./private", "deny"],
    ["NOTES/today.md", "ask"],
    ["notes/../config.user.yaml", "ask"],
    ["drafts/a.md", "allow"],
    ["drafts/sub/a.md", "ask"],
    ["drafts/amd", "ask"],
    ["src/a.ts", "allow"],
    ["src/a/b.ts", "allow"],
    ["/notes/a", "ask"],
    ["notes\\..\\a", "ask"],
    ["notes/a\n", "ask"],
  ])("[APR8] the path %j is %s", (path, approval) => {
    expect(judge("write", "ask", { path, content: "" }, { rules })).toBe(approval);
  });

  test("[APR8] the address of a page: below a folder, or by a pattern that stays in its part", () => {
    const web = [
      { match: "https://docs.example.com/", approval: "allow" },
      { match: "https://*.example.org/**", approval: "allow" },
    ];
    const of = (url: string) => judge("webread", "allow", { url }, { approval: "ask", rules: web });
    expect(of("https://docs.example.com/a/b")).toBe("allow");
    expect(of("https://docs.example.com.evil.example/")).toBe("ask");
    expect(of("https://docs.example.com@evil.example/")).toBe("ask");
    expect(of("https://www.example.org/a")).toBe("allow");
    expect(of("https://evil.example?x.example.org/a")).toBe("ask");
  });
});

describe("what a tool says of itself", () => {
  const Input = z.object({ path: z.string() });
  const tool = (
    name: string,
    approval: "allow" | "ask",
    preview?: Tool<typeof Input>["preview"],
  ): Tool<typeof Input> => ({
    name,
    description: "",
    input: Input,
    isReadOnly: false,
    approval,
    ...(preview && { preview }),
    run: async () => ({ content: "made", is_error: false }),
  });

  test("[APR7] holds unless the configuration says otherwise; what is always denied is not offered (X24)", async () => {
    const tools = [
      tool("read", "allow"),
      tool("write", "ask"),
      tool("edit", "ask"),
      tool("skill", "allow"),
      tool("mcp_x", "ask"),
    ];
    const { tools: permissions } = Config.parse({
      tools: {
        write: { approval: "allow" },
        edit: { approval: "deny", rules: [{ match: "notes/", approval: "ask" }] },
        skill: { approval: "deny" },
      },
    });
    const registry = createToolRegistry(tools, { permissions, onError: () => undefined });
    expect(registry.tools().map(({ name }) => name)).toEqual(["read", "write", "edit", "mcp_x"]);
    const call = (name: string, path: string) => ({ name, arguments: JSON.stringify({ path }) });
    const asks = async (name: string, path = "a") => (await registry.review(call(name, path))).isAsked;
    expect(await Promise.all(["read", "write", "edit", "mcp_x", "none"].map((name) => asks(name)))).toEqual(
      [false, false, false, true, false], //
    );
    expect(await asks("edit", "notes/a")).toBe(true);
    expect((await registry.review({ name: "mcp_x", arguments: "{}" })).isAsked).toBe(false); // it cannot be called at all
  });

  test("[APR7] may depend on the arguments, also where its default is written out; and may ask whatever is allowed", () => {
    const { tools } = Config.parse({ tools: { edit: { approval: "ask" }, write: { approval: "allow" } } });
    const edit = {
      ...tool("edit", "ask"),
      approvalFor: ({ path }: { path: string }) => (path === "own" ? "allow" : "ask"),
    } as const;
    expect(["own", "other"].map((path) => approvalOf(edit, { path }, tools))).toEqual(["allow", "ask"]);
    const write = { ...tool("write", "ask"), alwaysAsks: ({ path }: { path: string }) => path === "AGENT.md" };
    expect(["a.md", "AGENT.md"].map((path) => approvalOf(write, { path }, tools))).toEqual(["allow", "ask"]);
  });

  test("[APR1] [APR9] nothing is made without an approval, or with one for something else", async () => {
    let shown = "one";
    const ask = tool("write", "ask", async () => shown);
    const { tools: permissions } = Config.parse({ tools: { write: { rules: [{ match: "x/", approval: "deny" }] } } });
    const registry = createToolRegistry([ask], { permissions, onError: () => undefined });
    const run = async (path: string, preview?: string | null): Promise<string> => {
      const context = callContext("write", JSON.stringify({ path }));
      return (await registry.run({ ...context, ...(preview !== undefined && { allowed: { preview } }) }, never))
        .content;
    };
    expect(await run("a")).toBe('Not done: nobody has allowed this call of "write".');
    expect(await run("a", "one")).toBe("made");
    expect(await run("x/a", "one")).toBe('Not done: the configuration denies this call of "write".');
    shown = "two";
    expect(await run("a", "one")).toMatch(/^Not done: what was allowed has changed since/);
    expect(await run("a", null)).toMatch(/^Not done: what was allowed has changed since/);
  });

  test("[APR9] a long preview is cut, and its hash tells what was cut off; one that fails is none", async () => {
    let text = "x".repeat(40_000);
    const errors: unknown[] = [];
    const long = tool("write", "ask", async () => text);
    const broken = tool("edit", "ask", () => Promise.reject(new Error("no preview")));
    const registry = createToolRegistry([long, broken], { onError: (error) => void errors.push(error) });
    const review = (name: string) => registry.review({ name, arguments: '{"path":"a"}' });
    const first = await review("write");
    expect(first).toMatchObject({
      preview: expect.stringMatching(/\[cut: the first 32000 of 40000 .*sha256 \w{64}\]$/),
    });
    text = `${text.slice(1)}y`;
    expect(await review("write")).not.toEqual(first);
    expect(await review("edit")).toEqual({ isAsked: true, preview: null, isEachTime: false });
    expect(errors).toEqual([new Error("no preview")]);
  });
});

test("[APR9] the preview of a command names its folder, its variables and the scripts that it runs (X25)", async () => {
  await using folder = await temporaryFolder({
    "run.sh": "echo 1\n",
    "tools/go.py": "print(1)\n",
    "data.csv": "1,2\n",
    hello: "#!/bin/sh\n",
  });
  await chmod(join(folder.path, "hello"), 0o755);
  const preview = (text: string) => previewCommand({ text, workspaceDir: folder.path, variables: ["PATH", "HOME"] });
  const scripts = async (text: string): Promise<(string | undefined)[]> =>
    [...(await preview(text)).matchAll(/^script (\S+) \(sha256 \w{64}\)$/gm)].map(([, path]) => path);
  expect(await preview("ls data.csv")).toBe(`in ${folder.path}\nwith HOME, PATH`);
  expect(await scripts("bash -x run.sh")).toEqual(["run.sh"]);
  expect(await scripts("FOO='1' ./hello|cat")).toEqual(["hello"]);
  expect(await scripts("cd tools && python3 -u go.py")).toEqual(["tools/go.py"]);
  expect(await scripts(". ./run.sh; sh -c 'sh tools/go.py'")).toEqual(["run.sh", "tools/go.py"]);
  expect(await scripts("sh /etc/profile ../x nothing")).toEqual([]);
  const before = await preview("sh run.sh");
  await writeFile(join(folder.path, "run.sh"), "echo 2\n");
  expect(await preview("sh run.sh")).not.toBe(before);
});
