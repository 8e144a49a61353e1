import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ConfigError } from "../../src/workspace/config-error.ts";
import { loadConfig } from "../../src/workspace/load-config.ts";
import { temporaryFolder } from "../workspace-folder.ts";

/** The configuration of a workspace with these files. */
export async function load(files: Record<string, string | Uint8Array>, env: Record<string, string> = {}) {
  await using folder = await temporaryFolder(files);
  return await loadConfig(folder.path, { env });
}

const EXAMPLE = join(import.meta.dirname, "../../../../default_workspace/config.example.yaml");
/** What it names. */
export const exampleEnv = {
  MY_BOT_TOKEN: "a-random-text-of-32-characters!!",
  BRAVE_API_KEY: "k",
  DOCS_TOKEN: "t",
};

/** The packaged example with every key uncommented. */
export function wholeExample(): string {
  return readFileSync(EXAMPLE, "utf8")
    .replace(/^# ( *(?:- |# )?[a-z_]+:)/gm, "$1")
    .replace(/^( +)# ( *(?:- )?[a-z_]+:)/gm, "$1$2")
    .replace("sk-your-key-here", "sk-0123456789");
}

/** The one line a user sees when these files are the workspace. */
export async function faultOf(
  files: Record<string, string | Uint8Array>,
  env: Record<string, string> = {},
): Promise<string> {
  const error: unknown = await load(files, env).catch((cause: unknown) => cause);
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  expect(error.message).not.toContain("\n");
  return error.message;
}

/** The same for the text of config.user.yaml alone. */
export const userFault = (text: string | Uint8Array, env?: Record<string, string>): Promise<string> =>
  faultOf({ "config.user.yaml": text }, env);
