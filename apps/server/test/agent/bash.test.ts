import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createBashTool } from "../../src/agent/tools/bash.ts";
import { KeptOutput } from "../../src/agent/tools/kept-output.ts";
import { createToolRegistry } from "../../src/agent/tools/registry.ts";
import type { ToolResult } from "../../src/agent/tools/tool.ts";
import { Config } from "../../src/workspace/config.ts";
import { callContext } from "../support/call-context.ts";
import { isRunning, readPids, untilGone } from "../support/processes.ts";
import { type TemporaryFolder, temporaryFolder } from "../workspace-folder.ts";

const never = new AbortController().signal;
const PROMPT_MS = 10_000; // "at once" on a busy machine; a call that waits for `sleep 1000` takes far longer

interface Call {
  readonly command: string;
  readonly timeout_seconds?: number;
}

function bashIn(folder: TemporaryFolder, bash: object = {}, env: Record<string, string> = {}) {
  const { PATH = "" } = process.env;
  const config = Config.parse({ tools: { bash } }).tools.bash;
  return createBashTool({ workspaceDir: folder.path, env: { PATH, ...env }, config });
}

async function run(call: Call, bash: object = {}, env: Record<string, string> = {}): Promise<ToolResult> {
  await using folder = await temporaryFolder({ "notes.md": "sardines\n" });
  return await bashIn(folder, bash, env).run(call, never);
}

describe("what a command gets and gives", () => {
  test("[TOOL3] it runs in the workspace; both outputs come in their order, then the exit code", async () => {
    await using folder = await temporaryFolder({ "notes.md": "sardines\n" });
    const { run: call } = bashIn(folder);
    const dir = await realpath(folder.path);
    expect(await call({ command: "pwd; cat notes.md" }, never)).toEqual({
      content: `${dir}\nsardines\n`,
      is_error: false,
    });
    expect(await call({ command: "echo a; echo b >&2; printf c; exit 3" }, never)).toEqual({
      content: "a\nb\nc\n[exit code 3]",
      is_error: true,
    });
    expect(await call({ command: "true" }, never)).toEqual({ content: "(no output)", is_error: false });
    expect(await call({ command: "kill -SEGV $$" }, never)).toEqual({ content: "[ended by SIGSEGV]", is_error: true });
    expect((await call({ command: "no-such-program" }, never)).content).toMatch(/not found\n\[exit code 127\]$/);
    expect((await call({ command: "if" }, never)).content).toMatch(/syntax error[\s\S]*\[exit code \d+\]$/);
  });

  test("[TOOL3] there is no standard input: what asks for some ends at once (X28)", async () => {
    const { content } = await run({ command: "cat; read x; echo $?; tty" });
    expect(content).toBe("1\nnot a tty\n[exit code 1]");
  });

  test("[TOOL3] the environment is PATH, HOME, LANG, TERM and what the configuration names (X30, X31)", async () => {
    const secrets = { OPENAI_API_KEY: "sk-test-1234567890", MY_BOT_TOKEN: "t".repeat(24), EDITOR: "vi" };
    const env = { ...secrets, HOME: "/home/ada", LANG: "C.UTF-8", TERM: "dumb" };
    const { content } = await run({ command: "env" }, { env: ["EDITOR", "UNSET"] }, env);
    const names = content.split("\n").map((line) => line.split("=")[0]);
    const added = ["PWD", "SHLVL", "OLDPWD", "_", ""]; // by bash itself
    expect(names.filter((name) => !added.includes(name ?? "")).sort()).toEqual(
      ["EDITOR", "HOME", "LANG", "MYBOT_CALL", "PATH", "TERM"].sort(),
    );
    expect(content).not.toMatch(/sk-test|ttt/);
    expect(await run({ command: "env | grep -i key" }, {}, env)).toMatchObject({ content: "[exit code 1]" });
  });

  test("[TOOL3] bash, or sh where there is none", async () => {
    await using folder = await temporaryFolder({});
    expect((await run({ command: "echo $0 {1..3}" })).content).toMatch(/bash 1 2 3\n$/);
    expect(await run({ command: "echo $0" }, {}, { PATH: folder.path })).toMatchObject({ content: "/bin/sh\n" });
  });

  test("[TOOL3] a command that cannot be one is refused", async () => {
    await using folder = await temporaryFolder({});
    const permissions = Config.parse({ tools: { bash: { approval: "allow" } } }).tools;
    const options = { permissions, onError: () => undefined };
    const registry = createToolRegistry([bashIn(folder, { timeout_seconds: 5 })], options);
    const refusal = async (args: object): Promise<string> => {
      const result = await registry.run(callContext("bash", JSON.stringify(args)), never);
      return `${result.is_error} ${result.content}`;
    };
    expect(await refusal({ command: "" })).toMatch(/^true Invalid arguments for "bash": command/);
    expect(await refusal({ command: "echo \0" })).toMatch(/^true .*holds a NUL character/);
    expect(await refusal({ command: "é".repeat(40_000) })).toMatch(/^true .*is longer than 65536 bytes/);
    expect(await refusal({ command: "true", timeout_seconds: 6 })).toMatch(/^true .*timeout_seconds/);
    expect(await refusal({ command: "echo ok", timeout_seconds: 5 })).toBe("false ok\n");
    expect(await refusal({ command: `: ${"é".repeat(32_000)}` })).toBe("false (no output)");
  });

  test("[TOOL3] a workspace that has gone is an answer, too", async () => {
    await using folder = await temporaryFolder({});
    const tool = bashIn({ ...folder, path: join(folder.path, "missing") });
    await mkdir(join(folder.path, "missing"));
    expect(await tool.run({ command: "rmdir ../missing && echo ok" }, never)).toMatchObject({ content: "ok\n" });
    expect((await tool.run({ command: "true" }, never)).content).toBe("[not started: ENOENT]");
  });
});

describe("limits", () => {
  test("[TOOL4] a command that takes too long is stopped; its output so far is told (X26)", async () => {
    const startedAt = performance.now();
    const result = await run({ command: "echo before; sleep 1000; echo after", timeout_seconds: 0.5 });
    expect(result).toEqual({ content: "before\n[stopped: it did not finish within 0.5 s]", is_error: true });
    expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
  });

  test("[TOOL4] of a long output 64 KiB are kept, half from either end (X27)", async () => {
    const { content, is_error } = await run({ command: "seq 1 100000" });
    const all = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
    const cut = all.length - 65_536;
    expect(is_error).toBe(false);
    expect(content).toBe(`${all.slice(0, 32_768)}\n[cut: ${cut} of ${all.length} bytes]\n${all.slice(-32_768)}`);
  });

  test("[TOOL4] a command that writes more than 16 MiB is killed (X27)", async () => {
    const { content, is_error } = await run({ command: "yes" });
    expect(is_error).toBe(true);
    expect(content).toMatch(/^(y\n)+\n\[cut: \d+ of \d+ bytes\]\n(\n?y)+\n?\[killed: it wrote more than 16 MiB\]$/);
    expect(content.length).toBeLessThan(66_000);
    expect(Number(/of (\d+) bytes/.exec(content)?.[1])).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([1, 2, 3, 7, 64, 1000])("[TOOL4] cuts output that comes in %i bytes, and never a character", (size) => {
    const text = `${"añ🐟".repeat(50)}end`;
    const bytes = Buffer.from(text);
    for (let max = 2; max < bytes.length + 4; max += 2) {
      const output = new KeptOutput(max);
      for (let at = 0; at < bytes.length; at += size) output.add(bytes.subarray(at, at + size));
      const note = `\n[cut: ${bytes.length - max} of ${bytes.length} bytes]\n`;
      const [head = "", tail = ""] = max < bytes.length ? output.text().split(note) : [output.text(), text];
      expect([text.startsWith(head), text.endsWith(tail)]).toEqual([true, true]);
      const shortest = Math.min(max / 2 - 3, bytes.length); // at most three bytes of a character are left out
      expect(Math.min(Buffer.byteLength(head), Buffer.byteLength(tail))).toBeGreaterThanOrEqual(shortest);
    }
  });

  test("[TOOL4] a process gets no more memory than allowed (X29)", async () => {
    const { content } = await run(
      { command: "ulimit -v; head -c 1G /dev/zero | tail; echo ok" },
      { max_memory_mb: 200 },
    );
    expect(content).toMatch(/^204800\n.*memory exhausted/);
    expect(content).toMatch(/ok\n$/);
  });

  test("[TOOL4] a command with too many processes is killed (X29)", async () => {
    const command = "for i in $(seq 1 200); do sleep 1000 & echo $!; done; wait";
    const { content, is_error } = await run({ command }, { max_processes: 30 });
    expect(is_error).toBe(true);
    expect(content).toMatch(/\[killed: it had more than 30 processes at once\]$/);
    const pids = content.split("\n").filter((line) => /^\d+$/.test(line));
    expect(pids.length).toBeGreaterThan(30);
    expect(pids.map(Number).filter(isRunning)).toEqual([]);
  });

  test("[TOOL4] a fork bomb ends within the limits of its user (X29)", async () => {
    await using folder = await temporaryFolder({});
    await chmod(folder.path, 0o777);
    const call = async (command: string): Promise<ToolResult> => {
      const program = join(import.meta.dirname, "../support/bash-call.ts");
      const config = JSON.stringify({ max_processes: 20, timeout_seconds: 20 });
      const args = ["--conditions=@my-bot/source", program, folder.path, config, command];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      return JSON.parse(stdout);
    };
    expect(Number((await call("ulimit -u")).content)).toBeGreaterThanOrEqual(80);
    const bomb = await call("bomb() { echo $BASHPID >> pids; bomb | bomb & }; bomb; sleep 1000");
    expect(bomb.content).toMatch(/\[(killed|stopped): /);
    const pids = (await readFile(join(folder.path, "pids"), "utf8")).split("\n").filter(Boolean).map(Number);
    expect(pids.length).toBeGreaterThan(20);
    expect(pids.length).toBeLessThan(20_000); // those that ended made room for others
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

/** Starts a process in the background that writes its number into `pids` and stays. */
const stay = (prefix: string): string => `${prefix} sh -c 'echo $$ >> pids; exec sleep 1000' & `;

const LEFT: [what: string, command: string, count: number][] = [
  ["in the background", stay(""), 1],
  ["that holds no output", `${stay("")} exec >/dev/null 2>&1;`, 1],
  ["that ignores SIGTERM", `(trap '' TERM; ${stay("")});`, 1],
  ["of three generations", `( ( ${stay("")} ${stay("")} ) & ${stay("")} );`, 3],
];

/** Only where processes can be listed. */
const ESCAPED: typeof LEFT = [
  ["in a session of its own", stay("setsid"), 1],
  ["in a session of its own without a parent", `(setsid sh -c "${stay("").replaceAll("$", "\\$")}" &);`, 1],
];
const HIDDEN: typeof LEFT = [
  ["in a session of its own, without an environment, below the shell", stay("setsid env -i"), 1],
];

describe("nothing outlives its call", () => {
  const isLinux = process.platform === "linux";

  test.each(isLinux ? [...LEFT, ...ESCAPED] : LEFT)(
    "[TOOL5] a process %s ends with the command, which does not wait for it (X26)",
    async (_, left, count) => {
      await using folder = await temporaryFolder({});
      const startedAt = performance.now();
      // the shell ends when they have all begun
      const wait = `until [ "$(wc -l 2>/dev/null < pids)" = ${count} ]; do sleep 0.01; done; echo done`;
      const result = await bashIn(folder).run({ command: `${left} ${wait}` }, never);
      expect(result.is_error).toBe(false);
      expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
      const pids = await readPids(join(folder.path, "pids"), count);
      expect(pids.filter(isRunning)).toEqual([]);
    },
  );

  test.each(isLinux ? [...LEFT, ...ESCAPED, ...HIDDEN] : LEFT)(
    "[TOOL5] a process %s is gone within 1 s of a stop",
    async (_, left, count) => {
      await using folder = await temporaryFolder({});
      const stop = new AbortController();
      const call = bashIn(folder).run({ command: `echo begun; ${left} sleep 1000; wait` }, stop.signal);
      const pids = await readPids(join(folder.path, "pids"), count);
      stop.abort();
      const ms = await untilGone(pids, PROMPT_MS);
      expect(ms).toBeLessThan(3000); // 1 s and what a busy machine adds
      expect((await call).content).toMatch(/\[stopped before it had finished\]$/);
      expect(pids).toHaveLength(count);
    },
  );

  test("[TOOL5] whoever is asked to end may say a last word", async () => {
    await using folder = await temporaryFolder({});
    const stop = new AbortController();
    const command = "trap 'echo tidied up; exit 1' TERM; echo $$ > pids; while :; do sleep 0.01; done";
    const call = bashIn(folder).run({ command }, stop.signal);
    await readPids(join(folder.path, "pids"), 1);
    stop.abort();
    expect((await call).content).toMatch(/tidied up\n\[stopped before it had finished\]$/);
  });

  test("[TOOL5] what still writes when the shell ends may finish", async () => {
    const { content } = await run({ command: "echo one > >(sleep 0.05; cat)" });
    expect(content).toBe("one\n");
  });

  test("[TOOL5] a call that was stopped before it began starts nothing that stays", async () => {
    await using folder = await temporaryFolder({});
    const { content } = await bashIn(folder).run({ command: "sleep 1000" }, AbortSignal.abort());
    expect(content).toBe("[stopped before it had finished]");
  });
});
