import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** A disk of a few megabytes at `path`; undefined where this user may not mount one. */
export function mountSmallDisk(path: string, megabytes: number): SmallDisk | undefined {
  const filler = join(path, "filler");
  mkdirSync(path, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return {
    fill: () => fillWith(filler),
    free: () => rmSync(filler),
    [Symbol.dispose]: () => execFileSync("umount", ["-l", path]),
  };
}

function fillWith(path: string): void {
  const descriptor = openSync(path, "a");
  try {
    for (const size of [1024 * 1024, 4096]) {
      const block = Buffer.alloc(size);
      try {
        for (;;) if (writeSync(descriptor, block) < size) break;
      } catch {
        // No room for a block of this size.
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
