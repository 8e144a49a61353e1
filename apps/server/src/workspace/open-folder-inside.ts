import { constants, existsSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isErrorCode } from "./config-file.ts";
import { FileRefusedError } from "./open-inside.ts";

/** A folder that is held while something in it is changed. */
export interface OpenedFolder extends AsyncDisposable {
  /** The path of an entry of this very folder; on Linux also when a link has taken the folder's place meanwhile. */
  at(name: string): string;
  /** Throws FileRefusedError when the folder is no longer where it was found. */
  check(): Promise<void>;
  /** What was renamed in it would survive a power cut. */
  sync(): Promise<void>;
}

const OPEN_FILES = "/proc/self/fd"; // a way to name what is open, whatever became of its path
const hasOpenFiles = existsSync(OPEN_FILES);
const MOVED = "changed while it was opened; try again";
const NOT_A_FOLDER = "goes through a symbolic link or a file; only folders may be on the way to it";

/**
 * Opens `folder`, with `/`, below `rootDir`, going down one by one. No link is followed, not even one that stays inside.
 * `create`: missing folders are made; else ENOENT is thrown.
 */
export async function openFolderInside(
  rootDir: string,
  folder: string,
  { create }: { readonly create: boolean },
): Promise<OpenedFolder> {
  const root = await realpath(rootDir);
  let path = root;
  let opened = await openFolder(root, root);
  for (const name of folder.split("/").filter((part) => part !== "" && part !== ".")) {
    await using parent = opened;
    if (create) await makeFolder(parent.at(name));
    path = join(path, name);
    opened = await openFolder(parent.at(name), path);
  }
  return opened;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path).catch((cause: unknown) => {
    if (!isErrorCode(cause, "EEXIST")) throw cause;
  });
}

/** `path` is where it is to be really, `way` how to get there. */
async function openFolder(way: string, path: string): Promise<OpenedFolder> {
  if (!hasOpenFiles) return rememberFolder(path);
  const handle = await open(way, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(
    (cause: unknown) => {
      if (isErrorCode(cause, "ENOTDIR") || isErrorCode(cause, "ELOOP")) throw new FileRefusedError(NOT_A_FOLDER);
      throw cause;
    },
  );
  const folder = pinFolder(handle, path);
  await folder.check().catch(async (cause: unknown) => {
    await handle.close();
    throw cause;
  });
  return folder;
}

function pinFolder(handle: FileHandle, path: string): OpenedFolder {
  const pinned = join(OPEN_FILES, String(handle.fd));
  return {
    at: (name) => join(pinned, name),
    check: async () => {
      if ((await readlink(pinned)) !== path) throw new FileRefusedError(MOVED);
    },
    sync: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Where nothing names what is open (macOS, Windows): the same folder must be there before and after. */
async function rememberFolder(path: string): Promise<OpenedFolder> {
  const found = await lstat(path);
  if (!found.isDirectory()) throw new FileRefusedError(NOT_A_FOLDER);
  const check = async (): Promise<void> => {
    const now = await lstat(path);
    const isSame = now.dev === found.dev && now.ino === found.ino && (await realpath(path)) === path;
    if (!isSame) throw new FileRefusedError(MOVED);
  };
  await check();
  return {
    at: (name) => join(path, name),
    check,
    sync: () => Promise.resolve(), // some systems cannot open folders
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
