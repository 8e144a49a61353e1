import { execFileSync } from "node:child_process";
import { link, symlink } from "node:fs/promises";
import { join } from "node:path";

/** Names of what `setFileTraps` puts there: none of them may be opened. */
export const FILE_TRAPS = ["file-link", "dir-link/secret.md", "environ", "zero", "loop", "hard-link", "pipe"] as const;

/** Puts into a folder what leads out of it, to `secret.md` in another one, to devices, or nowhere. */
export async function setFileTraps(folder: string, outside: string): Promise<void> {
  const at = (path: string): string => join(folder, path);
  await symlink(join(outside, "secret.md"), at("file-link"));
  await symlink(outside, at("dir-link"));
  await symlink("/proc/self/environ", at("environ"));
  await symlink("/dev/zero", at("zero"));
  await symlink("loop", at("loop"));
  await link(join(outside, "secret.md"), at("hard-link"));
  execFileSync("mkfifo", [at("pipe")]);
}
