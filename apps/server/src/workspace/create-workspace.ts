import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ConfigError } from "./config-error.ts";
import { isErrorCode } from "./config-file.ts";

const OWN_FILES = ["config.user.yaml", "config.runtime.yaml"];
/** What the agents remember; the README.md beside these folders tells what belongs where (SPEC MEM1). */
const MEMORIES = "memories";
const MEMORY_FOLDERS = ["topics", "projects", "daily-notes"];
const GIT_IGNORE = [...OWN_FILES, ".event/", ".history/", ".logs/", ""].join("\n");

/**
 * Copies the packaged template to a new folder, complete or not at all. Only its owner can read it, whatever the umask.
 * Throws ConfigError when the folder is there and holds something.
 */
export async function createWorkspace(targetDir: string, templateDir: string): Promise<void> {
  const target = resolve(targetDir);
  const draft = `${target}.${randomUUID().slice(0, 8)}.new`;
  await mkdir(resolve(target, ".."), { recursive: true });
  try {
    await copyFolder(templateDir, draft);
    for (const folder of MEMORY_FOLDERS) await mkdir(join(draft, MEMORIES, folder), { recursive: true, mode: 0o700 });
    await writePrivate(join(draft, ".gitignore"), GIT_IGNORE);
    await rename(draft, target);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    const isTaken = ["ENOTEMPTY", "EEXIST", "ENOTDIR", "EPERM"].some((code) => isErrorCode(cause, code));
    throw isTaken ? new ConfigError({ file: targetDir }, "is there and not empty; choose a new folder") : cause;
  }
}

/** Hidden files and a developer's own configuration and memories stay behind. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o700);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || OWN_FILES.includes(entry.name)) continue;
    if (entry.isDirectory() && basename(from) === MEMORIES) continue;
    if (entry.isDirectory()) await copyFolder(join(from, entry.name), join(to, entry.name));
    else if (entry.isFile()) await writePrivate(join(to, entry.name), await readFile(join(from, entry.name)));
  }
}

async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flush: true });
  await chmod(path, 0o600);
}
