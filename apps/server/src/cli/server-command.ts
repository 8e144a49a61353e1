import { once } from "node:events";
import { relative } from "node:path";
import { type RunningApp, startApp } from "../app.ts";
import { chooseWorkspace } from "./choose-workspace.ts";
import { webDir } from "./package-paths.ts";

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
  });
  const stop = new AbortController();
  const stopped = Promise.race([once(process, "SIGTERM", stop), once(process, "SIGINT", stop)]);
  for (const warning of app.warnings) console.error(`warning: ${warning}`);
  announce(app, { dir, isNew });
  await stopped;
  stop.abort();
  await app.close();
}

function announce({ url, info }: RunningApp, { dir, isNew }: { dir: string; isNew: boolean }): void {
  console.log(`my-bot listening on ${url}`);
  console.log(`  workspace: ${relative(process.cwd(), dir) || "."}${isNew ? " (new)" : ""}`);
  console.log(`  model:     ${info.llm.mode === "offline" ? "offline model (scripted answers)" : info.llm.model}`);
  if (info.llm.mode === "offline") {
    console.log(
      "  For a real model: copy config.example.yaml to config.user.yaml there, set llm.api_key, start again.",
    );
  }
}
