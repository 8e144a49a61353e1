import { readdirSync, readFileSync } from "node:fs";

/** Bytes of memory that a process group really holds; undefined where there is no /proc. */
export function readGroupMemory(groupId: number): number | undefined {
  let bytes: number | undefined;
  for (const pid of listProcesses()) {
    const [, stat = ""] = /\) (.*)/.exec(read(`/proc/${pid}/stat`)) ?? []; // state, parent, group …
    if (Number(stat.split(" ")[2]) !== groupId) continue;
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`)) ?? [];
    bytes = (bytes ?? 0) + Number(kibibytes ?? 0) * 1024;
  }
  return bytes;
}

function listProcesses(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Empty for a process that is gone meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export interface MemoryWatch {
  /** The most that was held since the watch began. */
  stop(): { readonly before: number; readonly most: number } | undefined;
}

const PERIOD_MS = 50;

/** Undefined results where there is no /proc. */
export function watchGroupMemory(groupId: number): MemoryWatch {
  const before = readGroupMemory(groupId);
  let most = before ?? 0;
  const look = (): void => {
    most = Math.max(most, readGroupMemory(groupId) ?? 0);
  };
  const timer = setInterval(look, PERIOD_MS);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return before === undefined ? undefined : { before, most };
    },
  };
}
