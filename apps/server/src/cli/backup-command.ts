import { backupWorkspace } from "../backup.ts";
import { requireWorkspace } from "./choose-workspace.ts";

export interface BackupCommandOptions {
  readonly workspace?: string;
}

export async function runBackup(target: string, options: BackupCommandOptions): Promise<void> {
  const { events } = await backupWorkspace({
    workspaceDir: requireWorkspace(options.workspace),
    target,
    env: process.env,
  });
  console.log(`${target}: ${events} events, checked`);
}
