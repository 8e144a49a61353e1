import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";

/** A file that is there but must not be opened. The message names no path outside the folder. */
export class FileRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FileRefusedError";
  }
}

/** What is there is a folder. */
export class FolderError extends FileRefusedError {
  /** Where it really is, relative to the root, with `/`; `.` for the root itself. */
  readonly path: string;

  constructor(path: string) {
    super("is a folder, not a file");
    this.name = "FolderError";
    this.path = path;
  }
}

/** Of a file with more than one name. */
export const HARD_LINK = "is a hard link: it may belong to something outside the workspace";

export interface OpenedFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: Stats;
  /** Where the file really is, relative to the folder, with `/`. */
  readonly path: string;
}

/**
 * Opens a regular file that really is inside `rootDir`, for reading. Symbolic links are followed only as far as they
 * stay inside; what was opened is checked again, so that a link swapped in meanwhile is noticed (SPEC RUN9).
 */
export async function openInside(rootDir: string, path: string): Promise<OpenedFile> {
  const root = await realpath(rootDir);
  const real = await realpath(resolve(root, path));
  if (real === root) throw new FolderError(".");
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new FileRefusedError("leads outside the workspace");
  const before = await lstat(real);
  if (before.isDirectory()) throw new FolderError(toPath(root, real));
  if (!before.isFile()) throw new FileRefusedError("is not a regular file");

  // O_NONBLOCK: a pipe that took the file's place must not block a thread for ever
  const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new FileRefusedError("is not a regular file");
    if (!(await isStillAt(handle, stats, real))) throw new FileRefusedError("changed while it was opened; try again");
    return {
      handle,
      stats,
      path: toPath(root, real),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

function toPath(root: string, real: string): string {
  return relative(root, real).split(sep).join("/");
}

async function isStillAt(handle: FileHandle, stats: Stats, real: string): Promise<boolean> {
  const opened = await readlink(join("/proc/self/fd", String(handle.fd))).catch(() => undefined);
  if (opened !== undefined) return opened === real || opened === `${real} (deleted)`;
  // no /proc (macOS, Windows): the same file must still be what the path names
  const now = await lstat(await realpath(real));
  return now.dev === stats.dev && now.ino === stats.ino && (await realpath(real)) === real;
}
