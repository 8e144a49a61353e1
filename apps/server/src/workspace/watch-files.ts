import { join, relative, sep } from "node:path";
import { watch } from "chokidar";
import type { Config } from "./config.ts";
import { isMapping } from "./merge.ts";

const CONFIG_FILES = new Set(["config.user.yaml", "config.runtime.yaml", "config.example.yaml"]);
const DEFINITION_FILES = new Set(["AGENT.md", "SOUL.md", "SKILL.md"]);

export interface WatchListeners {
  /** A file or folder that a workspace is read from may have changed, come or gone. */
  onChange(): void;
  /** Something could not be watched: a link that leads to itself, or too many files for the system. */
  onError(error: unknown): void;
}

export type WatchedFolders = Pick<Config, "agents_path" | "skills_path">;

/** Watches what `openWorkspace` reads, and nothing else. Calls `onChange` once when it has begun. Returns the stop. */
export function watchFiles(dir: string, folders: WatchedFolders, listeners: WatchListeners): () => Promise<void> {
  const roots = [folders.agents_path, folders.skills_path].map((path) => split(join(dir, path), dir));
  const watcher = watch(dir, {
    ignored: (path) => !isRead(split(path, dir), roots),
    depth: Math.max(...roots.map((root) => root.length)) + 1,
    atomic: false, // whoever listens waits for quiet
    persistent: false,
    ignoreInitial: true,
  });
  watcher.on("all", listeners.onChange).on("ready", listeners.onChange).on("error", listeners.onError);
  // `all` alone leaves out a file that becomes a folder, and one that is the same to the clock
  watcher.on("raw", (_event, name, details) => {
    const folder = isMapping(details) ? details.watchedPath : undefined;
    const isKnown = typeof folder === "string" && name !== null;
    if (!isKnown || isRead(split(join(folder, name), dir), roots)) listeners.onChange();
  });
  return () => watcher.close();
}

/** The names that lead from the workspace to a path; none for the workspace itself. */
function split(path: string, dir: string): string[] {
  return relative(dir, path).split(sep).filter(Boolean);
}

function isRead(names: readonly string[], roots: readonly (readonly string[])[]): boolean {
  const [first] = names;
  if (names.length === 1 && first !== undefined && CONFIG_FILES.has(first)) return true;
  return roots.some((root) => {
    const shared = Math.min(names.length, root.length);
    if (names.slice(0, shared).some((name, index) => name !== root[index])) return false;
    const [id, file, ...deeper] = names.slice(root.length);
    return !id?.startsWith(".") && (file === undefined || DEFINITION_FILES.has(file)) && deeper.length === 0;
  });
}
