import { posix } from "node:path";
import * as z from "zod";
import { FolderError, HARD_LINK, openInside } from "../../workspace/open-inside.ts";
import { readUpTo } from "../../workspace/read-text.ts";
import { listFolder } from "./list-folder.ts";
import type { Tool, ToolResult } from "./tool.ts";
import { cannot, isPrivate, refusePath, type WorkspaceToolOptions } from "./workspace-path.ts";

const MAX_BYTES = 64 * 1024;

const Input = z.object({
  path: z.string().describe("path of the file or folder, relative to the workspace, such as notes/today.md"),
});

/** Reads text files and lists folders of the workspace, and nothing else of the machine (SPEC RUN9). */
export function createReadTool(options: WorkspaceToolOptions) {
  const { workspaceDir, privatePaths } = options;
  return {
    name: "read",
    description: "Reads a text file of the workspace. Of a folder it gives the names in it.",
    input: Input,
    isReadOnly: true,
    approval: "allow",
    run: async ({ path }) => {
      const refusal = refusePath(path);
      if (refusal) return cannot("read", path, refusal);
      try {
        await using file = await openInside(workspaceDir, path);
        if (isPrivate(file.path, privatePaths)) return cannot("read", path, "is private");
        if (isLinked(path, file.path)) return cannot("read", path, leadsTo(file.path));
        if (file.stats.nlink > 1) return cannot("read", path, HARD_LINK);
        return toResult(path, await readUpTo(file.handle, MAX_BYTES), file.stats.size);
      } catch (cause) {
        return cause instanceof FolderError ? readFolder(options, path, cause.path) : cannot("read", path, cause);
      }
    },
  } satisfies Tool<typeof Input>;
}

/** `folder` is where it really is. */
async function readFolder(options: WorkspaceToolOptions, path: string, folder: string): Promise<ToolResult> {
  if (folder !== "." && isPrivate(folder, options.privatePaths)) return cannot("read", path, "is private");
  if (isLinked(path, folder)) return cannot("read", path, leadsTo(folder));
  try {
    return { content: await listFolder(options, folder), is_error: false };
  } catch (cause) {
    return cannot("read", path, cause);
  }
}

/** Rules are about paths: what is read has to be at the very path that was judged (SPEC APR8). */
function isLinked(path: string, real: string): boolean {
  return posix.normalize(path).replace(/\/$/, "") !== real;
}

function leadsTo(real: string): string {
  return `is a link to ${JSON.stringify(real)}: read that path instead`;
}

function toResult(path: string, bytes: Buffer, size: number): ToolResult {
  const isCut = size > bytes.length;
  if (bytes.includes(0)) return cannot("read", path, "is a binary file");
  try {
    // with `stream` a character that the cut went through is left out instead of being an error
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
    const note = isCut ? `\n[cut: the first ${bytes.length} of ${size} bytes]` : "";
    return { content: text + note, is_error: false };
  } catch {
    return cannot("read", path, "is a binary file (not UTF-8 text)");
  }
}
