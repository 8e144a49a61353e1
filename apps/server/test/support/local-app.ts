import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type RunningApp, startApp } from "../../src/app.ts";
import { configText } from "./server-process.ts";
import { loopbackSite } from "./web-site.ts";

const TEMPLATE = join(import.meta.dirname, "../../../../default_workspace");

export interface LocalAppOptions {
  readonly config: object;
  /** Files to put into the workspace, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface LocalApp extends AsyncDisposable {
  readonly app: RunningApp;
  readonly workspaceDir: string;
  /** What it had to report. */
  readonly lines: readonly string[];
  putFile(path: string, text: string): void;
}

/** A server in this process, with its sockets, whose web tools may read `loopbackSite`: in a new workspace below `dir`. */
export async function startLocalApp(dir: string, { config, files = {}, env }: LocalAppOptions): Promise<LocalApp> {
  const workspaceDir = join(dir, "workspace");
  cpSync(TEMPLATE, workspaceDir, { recursive: true, filter: (path) => !basename(path).startsWith(".") }); // no one's log
  writeFileSync(join(workspaceDir, "config.user.yaml"), configText(config), { mode: 0o600 });
  const putFile = (path: string, text: string): void => {
    mkdirSync(dirname(join(workspaceDir, path)), { recursive: true });
    writeFileSync(join(workspaceDir, path), text);
  };
  for (const [path, text] of Object.entries(files)) putFile(path, text);
  const lines: string[] = [];
  const app = await startApp({
    workspaceDir,
    port: 0,
    env: { PATH: process.env.PATH, ...env },
    policy: loopbackSite,
    report: (line) => void lines.push(line),
  });
  return { app, workspaceDir, lines, putFile, [Symbol.asyncDispose]: () => app.close() };
}
