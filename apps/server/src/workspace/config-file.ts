import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";
import { FileRefusedError } from "./open-inside.ts";
import { readText } from "./read-text.ts";
import { parseYamlMapping, YamlError, type YamlMapping } from "./yaml-mapping.ts";

export interface ConfigFile extends YamlMapping {
  /** Relative to the workspace. */
  readonly file: string;
  readonly mode: number; // permission bits
  readonly text: string;
}

/** One YAML file of the workspace; `undefined` when there is none. Throws ConfigError when it cannot be used. */
export async function readConfigFile(workspaceDir: string, file: string): Promise<ConfigFile | undefined> {
  try {
    // may be a symbolic link: the user's own choice, as with mounted secrets. O_NONBLOCK: a pipe must not hang the start
    await using handle = await open(join(workspaceDir, file), constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ConfigError({ file }, "is not a regular file; remove it and create the file anew");
    const text = await readText(handle);
    if (/^(\s*(#.*)?(\n|$))*$/.test(text)) throw new ConfigError({ file }, emptyReason(file));
    return { file, mode: stats.mode & 0o777, text, ...parseYamlMapping(text) };
  } catch (cause) {
    if (isErrorCode(cause, "ENOENT")) return undefined;
    throw toConfigError(file, cause);
  }
}

function emptyReason(file: string): string {
  return file === "config.user.yaml"
    ? "is empty; fill it with: cp config.example.yaml config.user.yaml, or remove it for the offline model"
    : "is empty; remove it";
}

function toConfigError(file: string, cause: unknown): unknown {
  if (cause instanceof YamlError) return new ConfigError({ file, line: cause.line, key: cause.key }, cause.message);
  if (cause instanceof FileRefusedError) return new ConfigError({ file }, cause.message);
  if (isErrorCode(cause, "EACCES")) return new ConfigError({ file }, "cannot be read; check its permissions");
  if (isErrorCode(cause, "ELOOP")) return new ConfigError({ file }, "is a symbolic link to itself");
  return cause;
}

export function isErrorCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
