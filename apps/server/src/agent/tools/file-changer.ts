import { posix } from "node:path";
import PQueue from "p-queue";
import { isErrorCode } from "../../workspace/config-file.ts";
import { type OpenedFolder, openFolderInside } from "../../workspace/open-folder-inside.ts";
import { FileRefusedError } from "../../workspace/open-inside.ts";
import { type FileVersion, MAX_WRITTEN_BYTES, readVersion, replaceFile } from "../../workspace/replace-file.ts";
import { HIDDEN } from "../redact.ts";
import { unifiedDiff } from "./unified-diff.ts";
import { isNeverWritten, refusePath, type WorkspaceToolOptions } from "./workspace-path.ts";

/** The new text of a file, from its text now; undefined: there is none. Throws FileRefusedError. */
export type FileChange = (before: string | undefined) => string;

/** Changes text files of the workspace, and nothing else of the machine (SPEC TOOL7). */
export interface FileChanger {
  /** What `apply` would do, as a unified diff. Throws as it does; makes nothing, not even folders. */
  preview(path: string, change: FileChange): Promise<string>;
  /** Throws FileRefusedError, or an error of the file system. */
  apply(path: string, change: FileChange): Promise<{ readonly isNew: boolean; readonly bytes: number }>;
}

/** One change at a time in this process: the calls of a turn are made at once, and two may be about one file. */
const changes = new PQueue({ concurrency: 1 });

export function createFileChanger({ workspaceDir, privatePaths }: WorkspaceToolOptions): FileChanger {
  const locate = (path: string): { folder: string; name: string } => {
    const refusal = refusePath(path);
    if (refusal) throw new FileRefusedError(refusal);
    const normal = posix.normalize(path);
    if (normal === "." || normal.endsWith("/")) throw new FileRefusedError("is a folder, not a file");
    if (isNeverWritten(normal, privatePaths)) throw new FileRefusedError("is private");
    return { folder: posix.dirname(normal), name: posix.basename(normal) };
  };
  return {
    preview: async (path, change) => {
      const { folder, name } = locate(path);
      const before = await readIfThere(workspaceDir, folder, name);
      return unifiedDiff(path, before?.text, changed(before, change));
    },
    apply: (path, change) =>
      changes.add(async () => {
        const { folder, name } = locate(path);
        // what cannot be changed leaves no folders behind
        changed(await readIfThere(workspaceDir, folder, name), change);
        await using opened = await openFolderInside(workspaceDir, folder, { create: true });
        const before = await readVersion(opened, name);
        const text = changed(before, change);
        await replaceFile(opened, name, { text, mode: before?.mode });
        return { isNew: before === undefined, bytes: Buffer.byteLength(text) };
      }),
  };
}

async function readIfThere(workspaceDir: string, folder: string, name: string): Promise<FileVersion | undefined> {
  let opened: OpenedFolder;
  try {
    opened = await openFolderInside(workspaceDir, folder, { create: false });
  } catch (cause) {
    if (isErrorCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
  await using held = opened;
  return await readVersion(held, name);
}

function changed(before: FileVersion | undefined, change: FileChange): string {
  const text = change(before?.text);
  if (text.includes(HIDDEN) && !before?.text.includes(HIDDEN))
    throw new FileRefusedError(`would hold "${HIDDEN}", which only stands for a value that you are not shown`);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_WRITTEN_BYTES) return text;
  throw new FileRefusedError(`would be too large (${bytes} bytes; at most ${MAX_WRITTEN_BYTES})`);
}
