import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { Document, isSeq, parseDocument, type YAMLSeq } from "yaml";
import { Binding, type BindingConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { isErrorCode, readConfigFile } from "./config-file.ts";

/** `config.runtime.yaml`: what the server itself writes of the configuration. The watcher takes it into use. */
export interface RuntimeConfig {
  /**
   * Adds a binding, or changes the agent of the one with the same value. `current` are those in use: the file's list takes
   * the place of the user's, so it has to hold them too. Throws ConfigError when it would not be a valid configuration.
   */
  bind(binding: BindingConfig, current: readonly BindingConfig[]): Promise<void>;
}

const FILE = "config.runtime.yaml";

export function createRuntimeConfig(workspaceDir: string): RuntimeConfig {
  const writes = new PQueue({ concurrency: 1 }); // each reads what the one before has written
  return {
    bind: async (binding, current) => {
      requireValid(binding);
      await writes.add(() => writeBinding(workspaceDir, binding, current));
    },
  };
}

function requireValid({ agent, value }: BindingConfig): void {
  const parsed = Binding.safeParse({ agent, value });
  const [issue] = parsed.error?.issues ?? [];
  const reason =
    issue?.message ?? (/\$\{[A-Za-z_]/.test(value) ? "a name in `$` and braces would stand for a variable" : undefined);
  if (reason) throw new ConfigError({ file: FILE, key: "routing.bindings" }, `${value}: ${reason}`);
}

async function writeBinding(dir: string, binding: BindingConfig, current: readonly BindingConfig[]): Promise<void> {
  const file = await readConfigFile(dir, FILE); // checked as at the start: text that is no good is not built upon
  const document = file ? parseDocument(file.text) : new Document({});
  const path = ["routing", "bindings"];
  const own = document.getIn(path);
  const list = isSeq(own) ? own : document.createNode(current.map(({ agent, value }) => ({ agent, value })));
  setBinding(document, list, binding);
  document.setIn(path, list);
  await replaceFile(await realpath(join(dir, FILE)).catch(() => join(dir, FILE)), document.toString());
}

function setBinding(document: Document, list: YAMLSeq, { agent, value }: BindingConfig): void {
  const index = list.items.findIndex((_, at) => list.getIn([at, "value"]) === value);
  if (index < 0) list.add(document.createNode({ agent, value }));
  else list.setIn([index, "agent"], agent);
}

/** Whoever reads the file meanwhile, or after a crash, finds all of the old text or all of the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const next = join(dirname(path), `.${FILE}.${randomUUID()}`);
  try {
    const handle = await open(next, "wx", 0o600);
    await handle
      .writeFile(text)
      .then(() => handle.sync())
      .finally(() => handle.close());
    await rename(next, path);
  } catch (cause) {
    await rm(next, { force: true });
    if (["EACCES", "EROFS", "ENOSPC", "EPERM"].some((code) => isErrorCode(cause, code))) {
      throw new ConfigError({ file: FILE }, "cannot be written; check the permissions of the workspace and its disk");
    }
    throw cause;
  }
}
