import { basename } from "node:path";
import { isErrorCode } from "../../workspace/config-file.ts";
import { FileRefusedError } from "../../workspace/open-inside.ts";
import type { ToolResult } from "./tool.ts";

export interface WorkspaceToolOptions {
  readonly workspaceDir: string;
  /** More folders and files, relative to the workspace, that are private; hidden ones and secrets always are. */
  readonly privatePaths?: readonly string[] | undefined;
}

const SECRET_FILES = ["config.user.yaml", "config.runtime.yaml"];
const CONFIGURATION = /^config\.(user|runtime|example)\b/;
const PROMPT_FILES = new Set(["agent.md", "agents.md", "soul.md", "skill.md", "cron.md", "bootstrap.md"]);

/** What can be said of a path without looking at the disk; undefined: nothing against it (X20). */
export function refusePath(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.length > 4096) return "is longer than 4096 characters";
  if (/\p{Cc}/u.test(path)) return "holds control characters";
  if (path !== path.trim()) return "starts or ends with a space";
  if (/%2e|%2f|%5c/i.test(path)) return "holds an encoded `.` or `/`: write it as it is";
  if (/^[/~]|\\|^[a-z]:/i.test(path) || path.split("/").includes(".."))
    return "must stay inside the workspace: no `..`, `/`, `~`";
  return undefined;
}

/** `path` is where the file really is. Case does not matter: on some disks it does not either. */
export function isPrivate(path: string, privatePaths: readonly string[] = []): boolean {
  const name = path.toLowerCase();
  const isHidden = name.split("/").some((part) => part.startsWith("."));
  const isSecret = SECRET_FILES.some((secret) => basename(name).startsWith(secret)); // backups of editors too
  const isListed = privatePaths
    .map((folder) => folder.toLowerCase().replace(/^\.\/|\/+$/g, ""))
    .some((folder) => name === folder || name.startsWith(`${folder}/`));
  return isHidden || isSecret || isListed;
}

/** What no tool may ever write, whoever allows it. */
export function isNeverWritten(path: string, privatePaths: readonly string[] = []): boolean {
  return isPrivate(path, privatePaths) || CONFIGURATION.test(basename(path.toLowerCase()));
}

/** Whoever changes such a file changes what agents are told to do, now and in every later run. */
export function isPromptFile(path: string): boolean {
  return PROMPT_FILES.has(basename(path).toLowerCase());
}

/** For the model; `verb` is what was to be done. Names nothing outside the workspace. */
export function cannot(verb: "read" | "write" | "edit", path: string, cause: unknown): ToolResult {
  const reason = typeof cause === "string" ? cause : explain(verb, cause);
  return { content: `Cannot ${verb} ${JSON.stringify(path.slice(0, 200))}: it ${reason}.`, is_error: true };
}

function explain(verb: string, cause: unknown): string {
  if (cause instanceof FileRefusedError) return cause.message;
  if (isErrorCode(cause, "ENOENT") || isErrorCode(cause, "ENOTDIR")) return "does not exist";
  if (isErrorCode(cause, "ELOOP")) return "is a loop of symbolic links";
  if (isErrorCode(cause, "ENAMETOOLONG")) return "is too long";
  if (isErrorCode(cause, "ENOSPC")) return "does not fit: the disk is full";
  return verb === "read" ? "cannot be read" : "cannot be written";
}
