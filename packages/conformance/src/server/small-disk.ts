import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

const BLOCK_SIZES = [1024 * 1024, 4096];

/** A disk of a few megabytes, in memory, at the folder `path`; undefined where this user may not mount one. */
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
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => execFileSync("umount", ["-l", path]),
  };
}

function fillWith(path: string): void {
  const descriptor = openSync(path, "a");
  for (const size of BLOCK_SIZES) fillInBlocks(descriptor, Buffer.alloc(size));
  closeSync(descriptor);
}

function fillInBlocks(descriptor: number, block: Buffer): void {
  try {
    while (writeSync(descriptor, block) === block.length);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
