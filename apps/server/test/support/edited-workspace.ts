import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { configText, type ServerProcess } from "./server-process.ts";
import { connectTrpcHttp } from "./trpc-client.ts";

const PATIENCE_MS = 15_000; // the promise is 2 s; a busy machine gets more

/** How an editor saves: over the old file, by a rename over it, or by removing it first. */
export type Saving = "in place" | "by rename" | "after removing";

export interface EditedWorkspace {
  write(path: string, text: string | Uint8Array, saving?: Saving): void;
  writeConfig(config: object): void;
  remove(path: string): void;
  path(name: string): string;
  info(): Promise<Awaited<ReturnType<ReturnType<typeof connectTrpcHttp>["info"]["query"]>>>;
  listAgents(): Promise<readonly { agent_id: string; name: string; is_default: boolean }[]>;
  /** Resolves when an edit is in use, which `loaded_at` tells. */
  use(edit: () => unknown): Promise<void>;
  /** Resolves when an edit is refused, with the reason. */
  refuse(edit: () => void): Promise<string>;
}

/** The files of a server's workspace, and what it says of them. */
export function editWorkspace({ url, workspaceDir }: ServerProcess): EditedWorkspace {
  const client = connectTrpcHttp(url);
  const path = (name: string): string => join(workspaceDir, name);
  const write: EditedWorkspace["write"] = (name, text, saving = "in place") => {
    mkdirSync(dirname(path(name)), { recursive: true });
    if (saving === "after removing") rmSync(path(name), { force: true });
    const target = saving === "by rename" ? path(`.${name.replaceAll("/", "-")}.new`) : path(name);
    writeFileSync(target, text, { mode: 0o600 });
    if (saving === "by rename") renameSync(target, path(name));
  };
  const info = () => client.info.query();
  return {
    path,
    write,
    writeConfig: (config) => write("config.user.yaml", configText(config)),
    remove: (name) => rmSync(path(name), { recursive: true, force: true }),
    info,
    listAgents: () => client.agents.list.query(),
    use: async (edit) => {
      const { loaded_at } = (await info()).workspace;
      await edit();
      const loaded = async () => (await info()).workspace;
      await expect.poll(loaded, { timeout: PATIENCE_MS }).toEqual({ loaded_at: expect.any(Number), problem: null });
      await expect.poll(async () => (await loaded()).loaded_at, { timeout: PATIENCE_MS }).toBeGreaterThan(loaded_at);
    },
    refuse: async (edit) => {
      edit();
      const problem = async () => (await info()).workspace.problem;
      await expect.poll(problem, { timeout: PATIENCE_MS }).toEqual(expect.any(String));
      return (await problem()) ?? "";
    },
  };
}
