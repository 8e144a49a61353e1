import { createHash } from "node:crypto";
import { posix } from "node:path";
import { openInside } from "../../workspace/open-inside.ts";

export interface PreviewedCommand {
  readonly text: string;
  readonly workspaceDir: string;
  /** Names of the variables that it gets. */
  readonly variables: readonly string[];
}

const MAX_WORDS = 500;
const HASHED_BYTES = 64 * 1024 * 1024;
const INTERPRETERS =
  /^(?:(?:ba|da|z|k|a|fi|c|tc)?sh|source|\.|python[\d.]*|node|deno|bun|tsx|perl|ruby|php|lua|Rscript|make)$/;

/**
 * What else an approval of a command holds for: its folder, its variables, and the content of the scripts in the
 * workspace that it names, as hashes (SPEC APR9). When one of them changes, so does this text.
 */
export async function previewCommand({ text, workspaceDir, variables }: PreviewedCommand): Promise<string> {
  const scripts = await findScripts(workspaceDir, text);
  const lines = scripts.map(({ path, content }) => `script ${path} (${content})`);
  return [`in ${workspaceDir}`, `with ${[...variables].sort().join(", ")}`, ...lines].join("\n");
}

interface Script {
  readonly path: string;
  /** Another text for another content. */
  readonly content: string;
}

/** Files that are named in the command and can be run, also in a folder that it changes to. */
async function findScripts(workspaceDir: string, text: string): Promise<Script[]> {
  const words = text.split(/[\s;&|<>()'"`{}=]+/).filter((word) => word !== "");
  const folders = new Set([".", ...words.filter((_, index) => /^(?:cd|pushd)$/.test(words[index - 1] ?? ""))]);
  const firstInterpreter = words.findIndex((word) => INTERPRETERS.test(posix.basename(word)));
  const scripts = new Map<string, Script>();
  for (const [index, word] of words.slice(0, MAX_WORDS).entries()) {
    const isInterpreted = firstInterpreter >= 0 && index > firstInterpreter;
    for (const folder of folders) {
      const script = await readScript(workspaceDir, posix.join(folder, word), isInterpreted);
      if (script) scripts.set(script.path, script);
    }
  }
  return [...scripts.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Undefined for what is no file of the workspace, or none that would be run. */
async function readScript(workspaceDir: string, path: string, isInterpreted: boolean): Promise<Script | undefined> {
  try {
    await using file = await openInside(workspaceDir, path);
    const { mode, size, mtimeMs } = file.stats;
    if (!isInterpreted && (mode & 0o111) === 0) return undefined;
    if (size > HASHED_BYTES) return { path: file.path, content: `${size} bytes of ${new Date(mtimeMs).toISOString()}` };
    const hash = createHash("sha256");
    for await (const chunk of file.handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return { path: file.path, content: `sha256 ${hash.digest("hex")}` };
  } catch {
    return undefined;
  }
}
