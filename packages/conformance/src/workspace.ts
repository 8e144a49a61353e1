import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestWorkspace extends Disposable {
  readonly dir: string;
}

export interface WorkspaceOptions {
  /** A workspace to copy; absent: an empty folder with one agent. */
  readonly template?: string | undefined;
  /** Becomes config.user.yaml. */
  readonly config: object;
}

const AGENT = "---\nname: Pickle\ndescription: Answers\nmax_concurrency: 16\n---\nYou are Pickle.\n";

/** A workspace for one server under test, gone at the end of the scope. */
export function createWorkspace({ template, config }: WorkspaceOptions): TestWorkspace {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-conformance-"));
  if (template !== undefined) cpSync(template, dir, { recursive: true });
  mkdirSync(join(dir, "agents/pickle"), { recursive: true });
  writeFileSync(join(dir, "agents/pickle/AGENT.md"), AGENT);
  writeFileSync(join(dir, "notes.md"), "What the tool reads.\n");
  // JSON is YAML
  writeFileSync(join(dir, "config.user.yaml"), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
