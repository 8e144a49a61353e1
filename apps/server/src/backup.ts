import { join } from "node:path";
import { backupStore } from "./bus/backup-store.ts";
import { type Environment, loadConfig } from "./workspace/load-config.ts";

export interface BackupOptions {
  readonly workspaceDir: string;
  /** The file to make. */
  readonly target: string;
  readonly env: Environment;
}

/** Backs up a workspace's log, whether or not a server runs on it. Throws ConfigError or StoreError. */
export async function backupWorkspace({ workspaceDir, target, env }: BackupOptions): Promise<{ events: number }> {
  const { config } = await loadConfig(workspaceDir, { env });
  return { events: backupStore(join(workspaceDir, config.event_path), target) };
}
