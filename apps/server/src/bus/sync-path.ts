import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Makes a file's contents, or the names in a folder, outlive a power cut. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, statSync(path).isDirectory() ? "r" : "r+"); // Windows syncs what it may write only
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes the names in a folder outlive a power cut, and the folder's own name, and so on upwards: a synced file is lost
 * with a folder that nobody has synced. Passes over what cannot be synced: another's folder, or any on Windows.
 */
export function syncFolders(dir: string): void {
  const path = resolve(dir);
  try {
    syncPath(path);
  } catch {
    // not made by this process
  }
  if (dirname(path) !== path) syncFolders(dirname(path));
}
