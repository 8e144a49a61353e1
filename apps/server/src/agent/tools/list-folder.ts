import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { openFolderInside } from "../../workspace/open-folder-inside.ts";
import { isPrivate, type WorkspaceToolOptions } from "./workspace-path.ts";

const MAX_READ = 10_000; // entries that are looked at
const MAX_SHOWN = 500;

/**
 * The names in a folder of the workspace, one on a line and in order, folders with a `/`; what is private is left out.
 * Throws FileRefusedError, or an error of the file system (SPEC RUN9).
 */
export async function listFolder(
  { workspaceDir, privatePaths }: WorkspaceToolOptions,
  folder: string,
): Promise<string> {
  const entries = await readEntries(workspaceDir, folder);
  const names = entries
    .filter((entry) => entry.isFile() || entry.isDirectory() || entry.isSymbolicLink())
    .filter(({ name }) => !isPrivate(folder === "." ? name : `${folder}/${name}`, privatePaths))
    .map((entry) => shownName(entry.name) + (entry.isDirectory() ? "/" : ""))
    .sort();
  const rest = names.length - MAX_SHOWN;
  const note = rest > 0 ? [`[and ${entries.length === MAX_READ ? "many" : rest} more]`] : [];
  return [...names.slice(0, MAX_SHOWN), ...note].join("\n") || "(an empty folder)";
}

async function readEntries(workspaceDir: string, folder: string): Promise<Dirent[]> {
  await using opened = await openFolderInside(workspaceDir, folder, { create: false });
  const entries: Dirent[] = [];
  for await (const entry of await opendir(opened.at("."))) {
    entries.push(entry);
    if (entries.length === MAX_READ) break;
  }
  await opened.check();
  return entries;
}

/** One line, whatever characters a name has. */
function shownName(name: string): string {
  return /\p{Cc}/u.test(name) ? JSON.stringify(name) : name;
}
