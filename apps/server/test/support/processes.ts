import { existsSync, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Does it run? One that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !"ZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Milliseconds until none of them runs; rejects after `limitMs`. */
export async function untilGone(pids: readonly number[], limitMs: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const left = pids.filter(isRunning);
    const ms = performance.now() - startedAt;
    if (left.length === 0) return ms;
    if (ms > limitMs) throw new Error(`Still running after ${limitMs} ms: ${left.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Numbers that processes write into a file of their own, `count` lines of them, as soon as they are there. */
export async function readPids(file: string, count: number): Promise<number[]> {
  const read = (): number[] =>
    existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number) : [];
  const { promise, resolve } = Promise.withResolvers<number[]>();
  const look = (): void => {
    const pids = read();
    if (pids.length >= count) resolve(pids);
  };
  using _ = watchFolder(dirname(file), (name) => name === basename(file) && look());
  look();
  return await promise;
}

function watchFolder(dir: string, onChange: (name: string | null) => void): Disposable {
  const watcher = watch(dir, (_event, name) => onChange(name));
  return { [Symbol.dispose]: () => watcher.close() };
}
