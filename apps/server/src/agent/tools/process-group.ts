import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface ProcessGroupOptions {
  readonly command: string; // for bash
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it prints on either stream, in order. */
  readonly onOutput: (bytes: Buffer) => void;
}

export interface ProcessGroup {
  /** Resolves with the exit code, or null after a signal; by then nothing of it runs any more. Rejects when there is no shell. */
  readonly ended: Promise<number | null>;
  /** Kills all of it, at once. */
  kill(): void;
}

/** Names the processes of a call, and whose they are, also where they have left their group. */
const MARK = "MYBOT_TOOL_CALL";
const FLUSH_MS = 200; // for output that is in the pipe; a process in the background may hold it open for ever

/** Starts a shell command, in a process group of its own, without input. */
export function startProcessGroup({ command, cwd, env, onOutput }: ProcessGroupOptions): ProcessGroup {
  const mark = `${cwd}:${randomUUID()}`;
  const child = spawn("bash", ["-c", `exec 2>&1\n${command}`], {
    cwd,
    env: { ...env, [MARK]: mark },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", onOutput);
  const kill = (): void => {
    killGroup(child);
    killMarked(mark);
  };
  return { ended: waitForEnd(child, kill), kill };
}

/** Kills what calls in this folder have left running: those of a server that was killed itself. */
export function killLeftovers(cwd: string): void {
  killMarked(`${cwd}:`);
}

async function waitForEnd(child: ChildProcess, kill: () => void): Promise<number | null> {
  const closed = once(child, "close");
  const [code] = await once(child, "exit");
  kill(); // what it has started does not outlive it
  await Promise.race([closed, delay(FLUSH_MS)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return code;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) killQuietly(-pid);
}

/** Looks twice, since a process may have started another one meanwhile. Linux only: elsewhere the group is all there is. */
function killMarked(mark: string): void {
  if (process.platform !== "linux") return;
  for (let look = 0; look < 2; look++) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (isMarked(pid, mark)) killQuietly(Number(pid));
    }
  }
}

function isMarked(pid: string, mark: string): boolean {
  try {
    return readFileSync(join("/proc", pid, "environ"), "latin1").includes(`${MARK}=${mark}`);
  } catch {
    return false; // it is gone, or another user's
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it is gone
  }
}
