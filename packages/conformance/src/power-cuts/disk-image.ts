import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type DiskImage, isForgotten } from "./disk-model.ts";

/** All files and folders in `root`, by path. */
export function readImage(root: string): DiskImage {
  const image = new Map<string, Buffer | "folder">();
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!isForgotten(path)) image.set(path, entry.isDirectory() ? "folder" : readFileSync(path));
  }
  return image;
}

/** Puts what was in `root` into another folder. */
export function writeImage(image: DiskImage, root: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const path of [...image.keys()].sort()) {
    const contents = image.get(path);
    const target = join(folder, relative(root, path));
    if (contents instanceof Buffer) writeFileSync(target, contents, { mode: 0o600 });
    else mkdirSync(target, { mode: 0o700 });
  }
}

export function digestImage(image: DiskImage): string {
  const hash = createHash("sha256");
  for (const path of [...image.keys()].sort()) {
    const contents = image.get(path) ?? "folder";
    hash.update(`${path}\n${contents.length}\n`).update(contents);
  }
  return hash.digest("hex");
}
