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
  const found = findWorkspace(given);
  if (found !== undefined) return { dir: found, isNew: false };
  const template = templateDir();
  if (template === undefined)
    throw new ExitError(ExitCode.failure, "The workspace template is missing; reinstall my-bot");
  await createWorkspace(homeWorkspace(), template);
  return { dir: homeWorkspace(), isNew: true };
}

/** The same one, for commands that make none. */
export function requireWorkspace(given: string | undefined): string {
  const found = findWorkspace(given);
  if (found !== undefined) return found;
  throw new ExitError(ExitCode.config, "There is no workspace yet; name one with -w, or start one with: my-bot server");
}

function findWorkspace(given: string | undefined): string | undefined {
  const named = given ?? process.env.MYBOT_WORKSPACE;
  if (named !== undefined) return requireFolder(named);
  if (isFolder("default_workspace")) return resolve("default_workspace");
  return existsSync(homeWorkspace()) ? requireFolder(homeWorkspace()) : undefined;
}

function homeWorkspace(): string {
  return join(homedir(), ".my-bot");
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
