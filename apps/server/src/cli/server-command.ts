import { relative } from "node:path";
import { type RunningApp, startApp } from "../app.ts";
import { chooseWorkspace } from "./choose-workspace.ts";
import { ExitCode } from "./exit-error.ts";
import { webDir } from "./package-paths.ts";

const SAME_SIGNAL_MS = 500;

export interface ServerOptions {
  readonly workspace?: string;
  readonly host?: string;
  readonly port?: number;
  readonly allowOrigin?: readonly string[];
}

/** Runs the server until SIGTERM or SIGINT; a second signal ends the process at once. */
export async function runServer(options: ServerOptions): Promise<void> {
  const { dir, isNew } = await chooseWorkspace(options.workspace);
  const app = await startApp({
    workspaceDir: dir,
    host: options.host,
    port: options.port,
    allowedOrigins: options.allowOrigin,
    env: process.env,
    webDir: webDir(),
    report: (line, level) => (level === "warn" ? console.error(`warning: ${line}`) : console.log(line)),
  });
  const stopped = stopSignal();
  announce(app, { dir, isNew });
  await stopped;
  await app.close();
}

/** Resolves at the first signal. One that comes a moment later is the same Ctrl-C, passed on by a parent process. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(ExitCode.failure);
    firstAt ??= performance.now();
    resolve();
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  return promise;
}

function announce({ url, info }: RunningApp, { dir, isNew }: { dir: string; isNew: boolean }): void {
  console.log(`my-bot listening on ${url}`);
  console.log(`  workspace: ${relative(process.cwd(), dir) || "."}${isNew ? " (new)" : ""}`);
  console.log(`  model:     ${info.llm.mode === "offline" ? "offline model (scripted answers)" : info.llm.model}`);
  if (info.llm.mode === "offline") {
    console.log(
      "  For a real model: copy config.example.yaml to config.user.yaml there and set llm.api_key; no restart is needed.",
    );
  }
}
