import { join, relative, sep } from "node:path";
import { watch } from "chokidar";
import type { Config } from "./config.ts";
import { PROMPT_FILES } from "./load-prompt-files.ts";
import { isMapping } from "./merge.ts";

const ROOT_FILES = new Set<string>(["config.user.yaml", "config.runtime.yaml", "config.example.yaml", ...PROMPT_FILES]);
const DEFINITION_FILES = new Set(["AGENT.md", "SOUL.md", "SKILL.md", "CRON.md"]);

/** The keys of the folders that are watched. */
export const FOLDERS = ["agents_path", "skills_path", "crons_path"] as const;

export interface WatchListeners {
  /** A file that a workspace is read from may have changed, come or gone; with `isFolder`, a folder. */
  onChange(isFolder: boolean): void;
  /** Something could not be watched: a link that leads to itself, or too many files for the system. */
  onError(error: unknown): void;
}

export interface WatchedFolders extends Pick<Config, (typeof FOLDERS)[number]> {
  readonly dir: string;
}

/**
 * Watches what `openWorkspace` reads, and nothing else, until `signal` aborts. Resolves when it has begun: what is read
 * after that is followed by a call for each change. But a folder that was replaced is no longer watched for certain.
 */
export async function watchFiles(
  { dir, ...folders }: WatchedFolders,
  listeners: WatchListeners,
  signal: AbortSignal,
): Promise<void> {
  const roots = FOLDERS.map((key) => split(join(dir, folders[key]), dir));
  const watcher = watch(dir, {
    ignored: (path) => !isRead(split(path, dir), roots),
    depth: Math.max(...roots.map((root) => root.length)) + 1,
    atomic: false, // whoever listens waits for quiet
    persistent: false,
    ignoreInitial: true,
  });
  const begun = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => watcher.close().then(begun.resolve, listeners.onError), { once: true });
  watcher.on("ready", begun.resolve).on("error", listeners.onError);
  watcher.on("all", (_event, path) => listeners.onChange(!isFile(split(path, dir))));
  // `all` leaves out a file that becomes a folder, and where a link leads to
  watcher.on("raw", (_event, name, details) => {
    const watched = isMapping(details) ? String(details.watchedPath) : "";
    const names = split(join(watched, name ?? ""), dir);
    if (isFile(split(watched, dir))) listeners.onChange(true);
    else if (isRead(names, roots)) listeners.onChange(!isFile(names));
  });
  await begun.promise;
}

/** The names that lead from the workspace to a path; none for the workspace itself. */
function split(path: string, dir: string): string[] {
  return relative(dir, path).split(sep).filter(Boolean);
}

function isFile(names: readonly string[]): boolean {
  const last = names.at(-1) ?? "";
  return ROOT_FILES.has(last) || DEFINITION_FILES.has(last);
}

function isRead(names: readonly string[], roots: readonly (readonly string[])[]): boolean {
  if (names.length === 1 && ROOT_FILES.has(names[0] ?? "")) return true;
  return roots.some((root) => {
    const shared = Math.min(names.length, root.length);
    if (names.slice(0, shared).some((name, index) => name !== root[index])) return false;
    const [id, file, ...deeper] = names.slice(root.length);
    return !id?.startsWith(".") && (file === undefined || DEFINITION_FILES.has(file)) && deeper.length === 0;
  });
}
