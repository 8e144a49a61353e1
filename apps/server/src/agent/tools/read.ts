import { basename } from "node:path";
import * as z from "zod";
import { isErrorCode } from "../../workspace/config-file.ts";
import { FileRefusedError, openInside } from "../../workspace/open-inside.ts";
import { readUpTo } from "../../workspace/read-text.ts";
import type { Tool, ToolResult } from "./tool.ts";

const MAX_BYTES = 64 * 1024;
const SECRET_FILES = ["config.user.yaml", "config.runtime.yaml"];

const Input = z.object({
  path: z.string().describe("path of the file, relative to the workspace, such as notes/today.md"),
});

export interface ReadToolOptions {
  readonly workspaceDir: string;
  /** More folders and files, relative to the workspace, that are never read; hidden ones and secrets never are. */
  readonly privatePaths?: readonly string[] | undefined;
}

/** Reads text files of the workspace, and nothing else of the machine (SPEC RUN9). */
export function createReadTool({ workspaceDir, privatePaths = [] }: ReadToolOptions) {
  return {
    name: "read",
    description: "Reads a text file of the workspace.",
    input: Input,
    isReadOnly: true,
    approval: "allow",
    run: async ({ path }) => {
      const refusal = refusePath(path);
      if (refusal) return refused(path, refusal);
      try {
        await using file = await openInside(workspaceDir, path);
        if (isPrivate(file.path, privatePaths)) return refused(path, "is private");
        if (file.stats.nlink > 1)
          return refused(path, "is a hard link: it may belong to something outside the workspace");
        return toResult(path, await readUpTo(file.handle, MAX_BYTES), file.stats.size);
      } catch (cause) {
        return refused(path, explain(cause));
      }
    },
  } satisfies Tool<typeof Input>;
}

/** What can be said of a path without looking at the disk. */
function refusePath(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.length > 4096) return "is longer than 4096 characters";
  if (/\p{Cc}/u.test(path)) return "holds control characters";
  if (path !== path.trim()) return "starts or ends with a space";
  if (/^[/~]|\\|^[a-z]:/i.test(path) || path.split("/").includes(".."))
    return "must stay inside the workspace: no `..`, `/`, `~`";
  return undefined;
}

/** `path` is where the file really is. Case does not matter: on some disks it does not either. */
function isPrivate(path: string, privatePaths: readonly string[]): boolean {
  const name = path.toLowerCase();
  const isHidden = name.split("/").some((part) => part.startsWith("."));
  const isSecret = SECRET_FILES.some((secret) => basename(name).startsWith(secret)); // backups of editors too
  const isListed = privatePaths
    .map((folder) => folder.toLowerCase().replace(/^\.\/|\/+$/g, ""))
    .some((folder) => name === folder || name.startsWith(`${folder}/`));
  return isHidden || isSecret || isListed;
}

function toResult(path: string, bytes: Buffer, size: number): ToolResult {
  const isCut = size > bytes.length;
  if (bytes.includes(0)) return refused(path, "is a binary file");
  try {
    // with `stream` a character that the cut went through is left out instead of being an error
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
    const note = isCut ? `\n[cut: the first ${bytes.length} of ${size} bytes]` : "";
    return { content: text + note, is_error: false };
  } catch {
    return refused(path, "is a binary file (not UTF-8 text)");
  }
}

function explain(cause: unknown): string {
  if (cause instanceof FileRefusedError) return cause.message;
  if (isErrorCode(cause, "ENOENT") || isErrorCode(cause, "ENOTDIR")) return "does not exist";
  if (isErrorCode(cause, "ELOOP")) return "is a loop of symbolic links";
  if (isErrorCode(cause, "ENAMETOOLONG")) return "is too long";
  return "cannot be read";
}

function refused(path: string, reason: string): ToolResult {
  return { content: `Cannot read ${JSON.stringify(path.slice(0, 200))}: it ${reason}.`, is_error: true };
}
