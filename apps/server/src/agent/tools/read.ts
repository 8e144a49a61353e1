import * as z from "zod";
import { HARD_LINK, openInside } from "../../workspace/open-inside.ts";
import { readUpTo } from "../../workspace/read-text.ts";
import type { Tool, ToolResult } from "./tool.ts";
import { cannot, isPrivate, refusePath, type WorkspaceToolOptions } from "./workspace-path.ts";

const MAX_BYTES = 64 * 1024;

const Input = z.object({
  path: z.string().describe("path of the file, relative to the workspace, such as notes/today.md"),
});

/** Reads text files of the workspace, and nothing else of the machine (SPEC RUN9). */
export function createReadTool({ workspaceDir, privatePaths }: WorkspaceToolOptions) {
  return {
    name: "read",
    description: "Reads a text file of the workspace.",
    input: Input,
    isReadOnly: true,
    approval: "allow",
    run: async ({ path }) => {
      const refusal = refusePath(path);
      if (refusal) return cannot("read", path, refusal);
      try {
        await using file = await openInside(workspaceDir, path);
        if (isPrivate(file.path, privatePaths)) return cannot("read", path, "is private");
        if (file.stats.nlink > 1) return cannot("read", path, HARD_LINK);
        return toResult(path, await readUpTo(file.handle, MAX_BYTES), file.stats.size);
      } catch (cause) {
        return cannot("read", path, cause);
      }
    },
  } satisfies Tool<typeof Input>;
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
