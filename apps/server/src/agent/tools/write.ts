import * as z from "zod";
import { createFileChanger } from "./file-changer.ts";
import type { Tool } from "./tool.ts";
import { cannot, isPromptFile, type WorkspaceToolOptions } from "./workspace-path.ts";

const Input = z.object({
  path: z.string().describe("path of the file, relative to the workspace, such as notes/today.md"),
  content: z.string().describe("the whole text of the file; at most 1 MiB"),
});

/** Writes whole text files of the workspace (SPEC TOOL7). */
export function createWriteTool(options: WorkspaceToolOptions) {
  const files = createFileChanger(options);
  return {
    name: "write",
    description: "Writes a text file of the workspace, with the folders on the way; one that is there is replaced.",
    input: Input,
    isReadOnly: false,
    approval: "ask",
    alwaysAsks: ({ path }) => isPromptFile(path),
    preview: ({ path, content }) =>
      files.preview(path, () => content).catch((cause: unknown) => cannot("write", path, cause).content),
    run: async ({ path, content }) => {
      try {
        const { isNew, bytes } = await files.apply(path, () => content);
        return { content: `${isNew ? "Created" : "Replaced"} ${path}: ${bytes} bytes.`, is_error: false };
      } catch (cause) {
        return cannot("write", path, cause);
      }
    },
  } satisfies Tool<typeof Input>;
}
