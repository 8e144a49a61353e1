import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";

export interface TestWorkspace extends Disposable {
  readonly dir: string;
  /** The disk that the workspace is on, if it was asked for. */
  readonly disk: SmallDisk | undefined;
}

export interface WorkspaceOptions {
  /** A workspace to copy; absent: an empty folder with one agent. */
  readonly template?: string | undefined;
  /** Becomes config.user.yaml. */
  readonly config: object;
  /** Puts the workspace on a disk of its own of this size. */
  readonly diskMegabytes?: number | undefined;
}

const AGENT = "---\nname: Pickle\ndescription: Answers\nmax_concurrency: 16\n---\nYou are Pickle.\n";

/** A workspace for one server under test, gone at the end of the scope. */
export function createWorkspace({ template, config, diskMegabytes }: WorkspaceOptions): TestWorkspace {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-conformance-"));
  const disk = diskMegabytes === undefined ? undefined : mountSmallDisk(dir, diskMegabytes);
  if (diskMegabytes !== undefined && !disk) {
    throw new Error("A full disk needs a disk of its own, which only root may mount; leave it out with --set fulls=0");
  }
  if (template !== undefined) cpSync(template, dir, { recursive: true });
  mkdirSync(join(dir, "agents/pickle"), { recursive: true });
  writeFileSync(join(dir, "agents/pickle/AGENT.md"), AGENT);
  writeFileSync(join(dir, "notes.md"), "What the tool reads.\n");
  // JSON is YAML
  writeFileSync(join(dir, "config.user.yaml"), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return {
    dir,
    disk,
    [Symbol.dispose]: () => {
      disk?.[Symbol.dispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
