import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { createWorkspace } from "../workspace/create-workspace.ts";
import { ExitCode, ExitError } from "./exit-error.ts";
import { templateDir } from "./package-paths.ts";

export interface WorkspaceChoice {
  readonly dir: string;
  readonly isNew: boolean;
}

/** `-w`, else MYBOT_WORKSPACE, else ./default_workspace when it is there, else ~/.my-bot, made when it is missing. */
export async function chooseWorkspace(given: string | undefined): Promise<WorkspaceChoice> {
  const named = given ?? process.env.MYBOT_WORKSPACE;
  if (named !== undefined) return { dir: requireFolder(named), isNew: false };
  if (isFolder("default_workspace")) return { dir: resolve("default_workspace"), isNew: false };
  const home = join(homedir(), ".my-bot");
  if (existsSync(home)) return { dir: requireFolder(home), isNew: false };
  const template = templateDir();
  if (template === undefined)
    throw new ExitError(ExitCode.failure, "The workspace template is missing; reinstall my-bot");
  await createWorkspace(home, template);
  return { dir: home, isNew: true };
}

function requireFolder(path: string): string {
  if (isFolder(path)) return resolve(path);
  const fault = existsSync(path) ? "is not a folder" : "does not exist";
  throw new ExitError(
    ExitCode.config,
    `workspace ${path}: ${fault}; name a my-bot workspace, or copy default_workspace there`,
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
