import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { type Finding, ok, warning } from "./finding.ts";

/** The log and what the server reports are for their owner's eyes only (SPEC BUS15). */
export function checkModes(workspaceDir: string, folders: readonly string[]): Finding[] {
  if (process.platform === "win32") return [];
  const open = folders.flatMap((folder) => findOpenFiles(join(workspaceDir, folder)));
  if (open.length === 0) return [ok("file modes", "log and reports are readable by their owner only")];
  return open.map((path) => {
    const file = relative(workspaceDir, path);
    return warning("file modes", `${file} is open to other users; run: chmod go-rwx ${path}`);
  });
}

function findOpenFiles(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))];
  return paths.filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0);
}
