import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { createBashTool } from "../../src/agent/tools/bash.ts";
import { createToolRegistry } from "../../src/agent/tools/registry.ts";
import { tempDir } from "../support/temp-dir.ts";

const ENV = { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8" };
const never = new AbortController().signal;

function bashIn(dir: string, timeoutSeconds = 20) {
  const registry = createToolRegistry([createBashTool({ workspaceDir: dir, timeoutSeconds, env: ENV })]);
  return (command: string, signal = never, seconds?: number) =>
    registry.run({ id: "c", name: "bash", arguments: JSON.stringify({ command, timeout_seconds: seconds }) }, signal);
}

/** Is the process whose id is in this file still there? A zombie is not. */
function isAlive(pidFile: string): boolean {
  if (!existsSync(pidFile)) return true; // not begun yet
  try {
    const state = execFileSync("ps", ["-o", "stat=", "-p", readFileSync(pidFile, "utf8").trim()]).toString();
    return !state.trim().startsWith("Z");
  } catch {
    return false;
  }
}

test("[TOOL3] a command runs in the workspace and gives both streams and its exit code", async () => {
  using dir = tempDir();
  const bash = bashIn(dir.path);
  expect(await bash("echo one; echo two >&2; pwd")).toEqual({ content: `one\ntwo\n${dir.path}\n`, is_error: false });
  expect(await bash("true")).toEqual({ content: "(no output)", is_error: false });
  expect(await bash("echo no; exit 3")).toEqual({ content: "no\n[exit code 3]", is_error: true });
  expect(await bash("kill -9 $$")).toEqual({ content: "[it was ended by a signal]", is_error: true });
});

test("[TOOL3] commands have no input, so that waiting for it ends at once (X28)", async () => {
  using dir = tempDir();
  const bash = bashIn(dir.path);
  expect(await bash("cat; echo done")).toEqual({ content: "done\n", is_error: false });
  expect((await bash("read answer; echo $?")).content).toBe("1\n");
});

test("[TOOL3] commands see the environment they are given and nothing else (X30)", async () => {
  using dir = tempDir();
  vi.stubEnv("MY_SECRET_KEY", "sk-test-planted-1234567890");
  const { content } = await bashIn(dir.path)("env");
  vi.unstubAllEnvs();
  const names = content.split("\n").map((line) => line.split("=")[0]);
  expect(names).toEqual(expect.arrayContaining(["PATH", "LANG"]));
  expect(
    names.filter((name) => name && !["PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_", "MYBOT_TOOL_CALL"].includes(name)),
  ).toEqual([]);
});

test("[TOOL3] of a long output head and tail are kept, and one without end is stopped (X27)", async () => {
  using dir = tempDir();
  const bash = bashIn(dir.path);
  const { content } = await bash("echo first; yes x | head -c 1000000; echo last");
  expect(content.length).toBeLessThan(65 * 1024);
  expect(content).toMatch(/^first\nx\n/);
  expect(content).toMatch(/x\nlast\n$/);
  expect(content).toMatch(/\[… 9\d{5} bytes left out …\]/);
  const endless = await bash("yes");
  expect(endless).toMatchObject({
    is_error: true,
    content: expect.stringMatching(/more than 16 MiB and was stopped\]$/),
  });
});

const ESCAPES = "sleep 60 & echo $! > child; setsid sleep 60 & echo $! > escaped; (sleep 60 & echo $! > grandchild)";
const PIDS = ["child", "escaped", "grandchild"];

test.each([
  [
    "its time limit",
    async (dir: string) => {
      const result = await bashIn(dir)(`${ESCAPES}; echo partial; wait; sleep 60`, never, 1);
      expect(result).toEqual({ content: "partial\n[it did not end within 1 s and was stopped]", is_error: true });
    },
  ],
  [
    "a stop",
    async (dir: string) => {
      const stop = new AbortController();
      const running = bashIn(dir)(`${ESCAPES}; wait; sleep 60`, stop.signal);
      await vi.waitFor(() => expect(PIDS.every((name) => existsSync(join(dir, name)))).toBe(true), { timeout: 10_000 });
      stop.abort();
      expect(await running).toMatchObject({ is_error: true });
    },
  ],
  [
    "its own end, though they hold its output open",
    async (dir: string) => {
      expect(await bashIn(dir)(`${ESCAPES}; echo ended`)).toEqual({ content: "ended\n", is_error: false });
    },
  ],
])("[TOOL4] what a command has started does not outlive %s (X26)", async (_what, run) => {
  using dir = tempDir();
  await run(dir.path);
  await vi.waitFor(() => expect(PIDS.filter((name) => isAlive(join(dir.path, name)))).toEqual([]), { timeout: 1000 });
});
