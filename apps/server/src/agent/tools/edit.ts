import * as z from "zod";
import { FileRefusedError } from "../../workspace/open-inside.ts";
import { createFileChanger, type FileChange } from "./file-changer.ts";
import type { Tool } from "./tool.ts";
import { cannot, isPromptFile, type WorkspaceToolOptions } from "./workspace-path.ts";

const Input = z.object({
  path: z.string().describe("path of the file, relative to the workspace, such as notes/today.md"),
  old_text: z.string().min(1).describe("text that stands in the file exactly once; take lines around it to make it so"),
  new_text: z.string().describe("what stands there instead"),
});

/** Replaces one piece of a text file of the workspace (SPEC TOOL7, TOOL8). */
export function createEditTool(options: WorkspaceToolOptions) {
  const files = createFileChanger(options);
  return {
    name: "edit",
    description: "Replaces one piece of a text file of the workspace. Read the file first and copy the text exactly.",
    input: Input,
    isReadOnly: false,
    approval: "ask",
    alwaysAsks: ({ path }) => isPromptFile(path),
    preview: ({ path, ...texts }) =>
      files.preview(path, replaceOnce(texts)).catch((cause: unknown) => cannot("edit", path, cause).content),
    run: async ({ path, ...texts }) => {
      try {
        const { bytes } = await files.apply(path, replaceOnce(texts));
        return { content: `Edited ${path}: 1 place, now ${bytes} bytes.`, is_error: false };
      } catch (cause) {
        return cannot("edit", path, cause);
      }
    },
  } satisfies Tool<typeof Input>;
}

function replaceOnce(texts: { readonly old_text: string; readonly new_text: string }): FileChange {
  const { old_text: oldText, new_text: newText } = texts;
  return (before) => {
    if (before === undefined) throw new FileRefusedError("does not exist");
    const count = countOccurrences(before, oldText);
    if (count === 0) throw new FileRefusedError("does not hold old_text (0 places); read it and copy the text exactly");
    if (count > 1)
      throw new FileRefusedError(`holds old_text in ${count} places; take lines around it until it is one`);
    if (oldText === newText) throw new FileRefusedError("would stay as it is: old_text and new_text are the same");
    return before.replace(oldText, () => newText);
  };
}

/** Two that overlap are two as well: which of them is meant could not be told either. */
function countOccurrences(text: string, piece: string): number {
  const first = text.indexOf(piece);
  if (first === -1) return 0;
  if (!text.includes(piece, first + 1)) return 1;
  return Math.max(2, text.split(piece).length - 1);
}
