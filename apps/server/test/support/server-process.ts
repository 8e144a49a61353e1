import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { killLeftProcesses } from "../../src/agent/tools/call-processes.ts";
import { tempDir } from "./temp-dir.ts";

const BIN = join(import.meta.dirname, "../../bin/my-bot.js");
const TEMPLATE = join(import.meta.dirname, "../../../../default_workspace");

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly workspaceDir: string;
  readonly pid: number;
  /** What it printed on standard error. */
  readonly stderr: readonly string[];
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Starts it again on the same workspace and, after a stop, the same port. */
  start(): Promise<void>;
}

export interface ServerOptions {
  /** Becomes config.user.yaml; absent: the offline model. */
  readonly config?: object | undefined;
  /** Files to put into the workspace, by path. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  readonly args?: readonly string[] | undefined;
  /** Variables besides PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Ended with this process, also when a test timed out and did not clean up. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A real `my-bot server` in a process of its own, on a copy of the default workspace and a free port. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const dir = tempDir();
  const workspaceDir = join(dir.path, "workspace");
  cpSync(TEMPLATE, workspaceDir, { recursive: true, filter: (path) => !basename(path).startsWith(".") }); // no one's log
  if (options.config)
    writeFileSync(join(workspaceDir, "config.user.yaml"), configText(options.config), { mode: 0o600 });
  for (const [path, text] of Object.entries(options.files ?? {})) {
    mkdirSync(join(workspaceDir, path, ".."), { recursive: true });
    writeFileSync(join(workspaceDir, path), text);
  }
  const start = (port: string) => launch(workspaceDir, ["--port", port, ...(options.args ?? [])], options.env);
  let launched = await start("0");
  const url = launched.url;
  return {
    url,
    workspaceDir,
    get pid() {
      return launched.process.pid ?? 0;
    },
    get stderr() {
      return launched.stderr;
    },
    stop: (signal = "SIGKILL") => end(launched.process, signal),
    start: async () => {
      launched = await start(new URL(url).port);
    },
    [Symbol.asyncDispose]: async () => {
      await end(launched.process, "SIGKILL");
      await killLeftProcesses(workspaceDir); // as its next start would
      dir[Symbol.dispose]();
    },
  };
}

/** Of plain values: the configuration takes no anchors. */
export function configText(config: object): string {
  return stringify(config, { aliasDuplicateObjects: false });
}

async function launch(workspaceDir: string, args: readonly string[], env: ServerOptions["env"]) {
  const child = spawn(process.execPath, [BIN, "server", "-w", workspaceDir, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: workspaceDir, ...env },
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  const stderr: string[] = [];
  createInterface(child.stderr).on("line", (line) => stderr.push(line));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const [, found] = /^my-bot listening on (\S+)$/.exec(line) ?? [];
      if (found) resolve(found);
    });
    child.on("exit", (code) => reject(new Error(`The server ended with ${code}: ${stderr.join("\n")}`)));
  });
  return { process: child, url, stderr };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = await exited;
  return code;
}
