import { boundText } from "./bound-text.ts";
import { formatPlace } from "./config-error.ts";
import { DefinitionError, type Loaded, parseInside } from "./load-definitions.ts";

/** Files at the root of a workspace that every agent is told, in this order; each may be absent. */
export const PROMPT_FILES = ["BOOTSTRAP.md", "AGENTS.md"] as const;

const MAX_CHARS = 16_000; // of each

/** Their texts by name. One that cannot be used is skipped with a warning (SPEC PROMPT2, PROMPT4). */
export async function loadPromptFiles(workspaceDir: string): Promise<Loaded<string>> {
  const items = new Map<string, string>();
  const warnings: string[] = [];
  for (const file of PROMPT_FILES) {
    try {
      const text = await parseInside(workspaceDir, file, (whole) => whole.trim());
      if (text !== "") items.set(file, boundText(text, MAX_CHARS, file));
    } catch (cause) {
      if (!(cause instanceof DefinitionError)) throw cause;
      if (cause.message !== "not found") warnings.push(formatPlace({ file }, `skipped: ${cause.message}`));
    }
  }
  return { items, warnings };
}
