import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CALL_VARIABLE, CallProcesses, createMark, signalGroup } from "./call-processes.ts";
import { KeptOutput } from "./kept-output.ts";
import { bindGroup } from "./process-groups.ts";
import { countUserTasks } from "./process-list.ts";

export interface CommandLimits {
  readonly timeoutMs: number;
  readonly keptBytes: number;
  /** One that writes more is killed. */
  readonly writtenBytes: number;
  /** At once; one that starts more is killed. */
  readonly processes: number;
  /** Address space of each process. */
  readonly memoryBytes: number;
}

export interface Command {
  readonly text: string;
  /** bash, or a POSIX shell. */
  readonly shell: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: CommandLimits;
  /** Gets the output while it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

export type CommandEnd =
  | { readonly how: "exited"; readonly code: number }
  | { readonly how: "killed"; readonly signal: string } // not by us
  | { readonly how: "timed_out" | "stopped" | "wrote_too_much" | "too_many_processes" }
  | { readonly how: "not_started"; readonly reason: string };

export interface CommandOutcome {
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly end: CommandEnd;
}

type ShellProcess = ChildProcessByStdio<null, Readable, null>;

/** "$1" is the command, "$0" the shell; a shell without such a limit does without it. */
const WRAPPER = `exec 2>&1; ulimit -v "$3" 2>/dev/null; [ "$2" = 0 ] || ulimit -u "$2" 2>/dev/null; exec "$0" -c "$1"`;
const GRACE_MS = 250; // for the last words of processes that are asked to end, or are left when the shell ends
const DRAIN_MS = 250; // for the pipe to end once everyone who could write is gone
const WATCH_MS = 250;
const POLL_MS = 10;

/**
 * Runs a command and ends everything that it started, also what it put into the background, by then. A stop takes
 * effect within a second. What cannot be started is an outcome, too.
 */
export async function runCommand(command: Command, signal: AbortSignal): Promise<CommandOutcome> {
  const output = new KeptOutput(command.limits.keptBytes);
  let mark: string;
  let shell: ShellProcess;
  try {
    mark = createMark(command.dir);
    shell = await start(command, mark);
  } catch (cause) {
    return { output: "", end: { how: "not_started", reason: errorCode(cause) } };
  }
  const end = await follow(shell, { command, mark, output, signal });
  return { output: output.text(), end };
}

async function start({ text, shell, dir, env, limits }: Command, mark: string): Promise<ShellProcess> {
  const args = [
    "-c",
    WRAPPER,
    shell,
    text,
    String(await taskLimit(limits)),
    String(Math.ceil(limits.memoryBytes / 1024)),
  ];
  const child = spawn(shell, args, {
    cwd: dir,
    env: { ...env, [CALL_VARIABLE]: mark },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true, // a process group of its own
  });
  await once(child, "spawn");
  return child;
}

interface Following {
  readonly command: Command;
  readonly mark: string;
  readonly output: KeptOutput;
  readonly signal: AbortSignal;
}

async function follow(shell: ShellProcess, { command, mark, output, signal }: Following): Promise<CommandEnd> {
  const processes = new CallProcesses(shell.pid ?? 0, mark);
  const release = bindGroup(processes.leader);
  const exited = exitOf(shell);
  const closed = new Promise<void>((resolve) => shell.stdout.once("close", resolve));
  const limit = watchLimits(shell, { processes, command, output, signal });
  const end = await Promise.race([exited, limit.reached]);
  limit[Symbol.dispose]();
  await endProcesses(processes, end);
  release();
  await Promise.race([closed, delay(DRAIN_MS)]); // a process that nobody can kill may hold the pipe open
  shell.stdout.destroy();
  return end;
}

/** Those of an orderly end may say their last words. */
async function endProcesses(processes: CallProcesses, { how }: CommandEnd): Promise<void> {
  if (how === "timed_out" || how === "stopped") {
    await processes.look(); // a shell that ends takes the trace of its children with it
    signalGroup(processes.leader, "SIGTERM");
  }
  if (how !== "wrote_too_much" && how !== "too_many_processes") await untilGone(processes.leader);
  await processes.kill();
}

function exitOf(shell: ShellProcess): Promise<CommandEnd> {
  return new Promise((resolve) => {
    shell.once("exit", (code, signal) =>
      resolve(code === null ? { how: "killed", signal: signal ?? "a signal" } : { how: "exited", code }),
    );
  });
}

interface Watching {
  readonly processes: CallProcesses;
  readonly command: Command;
  readonly output: KeptOutput;
  readonly signal: AbortSignal;
}

/** Takes the output in; `reached` resolves with the first limit that the command reaches. */
function watchLimits(shell: ShellProcess, { processes, command, output, signal }: Watching) {
  const { limits, onOutput } = command;
  const decoder = new TextDecoder(); // a character may come in two chunks
  const { promise: reached, resolve } = Promise.withResolvers<CommandEnd>();
  const onAbort = (): void => resolve({ how: "stopped" });
  const countThem = async (): Promise<void> => {
    if ((await processes.look()) > limits.processes) resolve({ how: "too_many_processes" });
  };
  shell.stdout.on("data", (chunk: Buffer) => {
    output.add(chunk);
    onOutput?.(decoder.decode(chunk, { stream: true }));
    if (output.written > limits.writtenBytes) resolve({ how: "wrote_too_much" });
  });
  const timeout = setTimeout(() => resolve({ how: "timed_out" }), limits.timeoutMs);
  const watch = setInterval(() => void countThem(), WATCH_MS);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    reached,
    [Symbol.dispose]: (): void => {
      clearTimeout(timeout);
      clearInterval(watch);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

async function untilGone(leader: number): Promise<void> {
  const deadline = performance.now() + GRACE_MS;
  while (signalGroup(leader, 0) && performance.now() < deadline) await delay(POLL_MS);
}

/**
 * What the kernel should allow this user in all; 0: no limit, since root has none and elsewhere than on Linux nobody can
 * be counted. Wide, as the kernel also counts what /proc does not show (other containers); the watch is exact.
 */
async function taskLimit({ processes }: CommandLimits): Promise<number> {
  const userId = process.getuid?.() ?? 0;
  const tasks = userId === 0 ? 0 : await countUserTasks(userId);
  return tasks === 0 ? 0 : tasks + 4 * processes;
}

function errorCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "it could not be started";
}
