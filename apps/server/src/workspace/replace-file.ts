import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rename, rm } from "node:fs/promises";
import { isErrorCode } from "./config-file.ts";
import type { OpenedFolder } from "./open-folder-inside.ts";
import { FileRefusedError, HARD_LINK } from "./open-inside.ts";
import { decodeText, readUpTo } from "./read-text.ts";

/** What tools may write, and what they may change. */
export const MAX_WRITTEN_BYTES = 1024 * 1024;

export interface FileVersion {
  readonly text: string;
  /** Permission bits; undefined: those of any new file. */
  readonly mode: number | undefined;
}

/** A file as it is now; undefined when there is none. Throws FileRefusedError for what is not a text file of its own. */
export async function readVersion(folder: OpenedFolder, name: string): Promise<FileVersion | undefined> {
  try {
    const path = folder.at(name);
    const before = await lstat(path); // a pipe or a device is not even opened
    requireOwnFile(before);
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    requireOwnFile(stats);
    await folder.check();
    const text = decodeText(await readUpTo(handle, MAX_WRITTEN_BYTES));
    return { text, mode: stats.mode & 0o777 };
  } catch (cause) {
    if (isErrorCode(cause, "ENOENT")) return undefined;
    if (isErrorCode(cause, "ELOOP")) throw new FileRefusedError("is a symbolic link");
    throw cause;
  }
}

interface Stats {
  readonly nlink: number;
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function requireOwnFile(stats: Stats): void {
  if (stats.isDirectory()) throw new FileRefusedError("is a folder, not a file");
  if (stats.isSymbolicLink()) throw new FileRefusedError("is a symbolic link");
  if (!stats.isFile()) throw new FileRefusedError("is not a regular file");
  if (stats.nlink > 1) throw new FileRefusedError(HARD_LINK);
  if (stats.size > MAX_WRITTEN_BYTES)
    throw new FileRefusedError(`is too large (${stats.size} bytes; at most ${MAX_WRITTEN_BYTES})`);
}

/** The file is the old one or the new one, never a part of it, also after a power cut. A link at its place is replaced, not followed. */
export async function replaceFile(folder: OpenedFolder, name: string, { text, mode }: FileVersion): Promise<void> {
  const temporary = folder.at(`.${randomUUID()}.tmp`);
  try {
    await writeNew(temporary, { text, mode });
    await folder.check();
    await rename(temporary, folder.at(name));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  await folder.sync();
}

async function writeNew(path: string, { text, mode }: FileVersion): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  await using handle = await open(path, flags, mode ?? 0o666);
  if (mode !== undefined) await handle.chmod(mode); // whatever the umask
  await handle.writeFile(text);
  await handle.sync();
}
