import { readdir, readFile, stat } from "node:fs/promises";

/** A process as the kernel lists it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly threads: number;
  readonly startedAt: number; // ticks since the machine started: tells two processes of one number apart
}

/** All processes that run; not those that have ended and wait for their parent. Empty where there is no `/proc`. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  const entries = await Promise.all((await listPids()).map(readEntry));
  return entries.filter((entry) => entry !== undefined);
}

/** What the process was started with; empty when it is gone or belongs to someone else. */
export async function readEnvironment(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  return text.split("\0");
}

/** Threads of all processes of this user: what the kernel's limit of processes counts. */
export async function countUserTasks(userId: number): Promise<number> {
  const threads = (await listPids()).map(async (pid) => {
    const owner = await stat(`/proc/${pid}`).catch(() => undefined);
    return owner?.uid === userId ? ((await readEntry(pid))?.threads ?? 0) : 0;
  });
  return (await Promise.all(threads)).reduce((sum, count) => sum + count, 0);
}

async function listPids(): Promise<string[]> {
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name));
}

async function readEntry(pid: string): Promise<ProcessEntry | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // the name, in parentheses, may hold anything
  const [state = "", parent, group, session] = fields;
  if (state === "" || "ZX".includes(state)) return undefined;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    threads: Number(fields[17]),
    startedAt: Number(fields[19]),
  };
}
