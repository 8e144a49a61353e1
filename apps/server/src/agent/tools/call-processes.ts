import { createHash, randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { listProcesses, type ProcessEntry, readEnvironment } from "./process-list.ts";

/** The variable that every process of a call inherits, wherever it went. */
export const CALL_VARIABLE = "MYBOT_CALL";

const SWEEP_LIMIT_MS = 700;
const ROUND_MS = 10; // what was killed needs a moment to be gone

/** A value of the variable for one call. It names the workspace, so that the next server of it finds what was left. */
export function createMark(workspaceDir: string): string {
  return `${workspaceMark(workspaceDir)}${randomUUID()}`;
}

/** Kills what calls of an earlier server of this workspace left, which was killed itself. Linux only. */
export async function killLeftProcesses(workspaceDir: string): Promise<void> {
  await sweep(workspaceMark(workspaceDir), () => false);
}

/** False when the group has nobody any more who could get a signal. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/** The processes that one call started. Elsewhere than on Linux only those are known that stay in the shell's group. */
export class CallProcesses {
  /** The shell; also the number of its process group and session. */
  readonly leader: number;
  readonly #mark: string;
  readonly #seen = new Set<string>(); // those that once were below the shell

  constructor(leader: number, mark: string) {
    this.leader = leader;
    this.#mark = mark;
  }

  /** Looks around: how many run now. Whoever was seen is found again, also without its parents. */
  async look(): Promise<number> {
    const found = withDescendants(await listProcesses(), this.#isKnown);
    for (const entry of found) this.#seen.add(identity(entry));
    return found.length;
  }

  /** Kills all of them, whatever group or session they are in now. */
  async kill(): Promise<void> {
    signalGroup(this.leader, "SIGKILL");
    await sweep(this.#mark, this.#isKnown);
  }

  #isKnown = (entry: ProcessEntry): boolean =>
    entry.session === this.leader || entry.group === this.leader || this.#seen.has(identity(entry));
}

function identity({ pid, startedAt }: ProcessEntry): string {
  return `${pid} ${startedAt}`;
}

function workspaceMark(workspaceDir: string): string {
  return `${createHash("sha256").update(realpathSync(workspaceDir)).digest("hex").slice(0, 16)}.`;
}

/** In rounds, since a process may start others while it is looked for. */
async function sweep(mark: string, isKnown: (entry: ProcessEntry) => boolean): Promise<void> {
  const deadline = performance.now() + SWEEP_LIMIT_MS;
  while (performance.now() < deadline) {
    const found = await findProcesses(mark, isKnown);
    if (found.length === 0) return;
    for (const { pid } of found) killOne(pid);
    await delay(ROUND_MS);
  }
}

async function findProcesses(mark: string, isKnown: (entry: ProcessEntry) => boolean): Promise<ProcessEntry[]> {
  const entries = await listProcesses();
  const marked = new Set<number>();
  await Promise.all(
    entries.map(async ({ pid }) => {
      const environment = await readEnvironment(pid);
      if (environment.some((line) => line.startsWith(`${CALL_VARIABLE}=${mark}`))) marked.add(pid);
    }),
  );
  return withDescendants(entries, (entry) => marked.has(entry.pid) || isKnown(entry));
}

/** Never this process itself. */
function withDescendants(entries: readonly ProcessEntry[], isRoot: (entry: ProcessEntry) => boolean): ProcessEntry[] {
  const children = Map.groupBy(entries, ({ parent }) => parent);
  const found = new Set(entries.filter((entry) => entry.pid !== process.pid && isRoot(entry)));
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child); // grows while it is walked
  return [...found];
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone, or another user's, as with sudo.
  }
}
