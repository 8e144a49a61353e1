import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { WebSocketServer } from "ws";

export interface Peer extends AsyncDisposable {
  readonly url: string;
}

const ROOT = join(import.meta.dirname, "..");
const CONFIG = `llm: { provider: offline }
api: { limits: { messages_per_second: 1000000, queued_messages: 1000000 } }
`;

/** One run at a time, so that answers take little from what is measured. */
export function createBenchWorkspace(dir: string): void {
  const isShared = (path: string): boolean => !basename(path).startsWith("."); // without anyone's log
  cpSync(join(ROOT, "default_workspace"), dir, { recursive: true, filter: isShared });
  writeFileSync(join(dir, "config.user.yaml"), CONFIG, { mode: 0o600 });
  writeFileSync(join(dir, "agents/pickle/AGENT.md"), "---\nname: Pickle\nmax_concurrency: 1\n---\nYou are Pickle.\n");
}

/** The product, in a process of its own: in this workspace, or in a new one that is gone at the end. */
export async function startMyBot(workspaceDir?: string): Promise<Peer> {
  const dir = workspaceDir ?? mkdtempSync(join(tmpdir(), "my-bot-bench-"));
  if (workspaceDir === undefined) createBenchWorkspace(dir);
  return spawnPeer([join(ROOT, "apps/server/bin/my-bot.js"), "server", "-w", dir, "--port", "0"], () => {
    if (workspaceDir === undefined) rmSync(dir, { recursive: true, force: true });
  });
}

/** Sends each frame back to its sender: the least that any WebSocket server does. */
export function startEcho(): Promise<Peer> {
  return spawnPeer([import.meta.filename, "echo"], () => undefined);
}

/** Milliseconds of each of `count` transactions of one row, synced, on the same disk. */
export function measureCommits(count: number): number[] {
  const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
  const database = new DatabaseSync(join(dir, "commits.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (body TEXT)");
  const insert = database.prepare("INSERT INTO t VALUES (?)");
  const latencies = Array.from({ length: count }, () => {
    const start = performance.now();
    database.exec("BEGIN IMMEDIATE");
    insert.run("x".repeat(300));
    database.exec("COMMIT");
    return performance.now() - start;
  });
  database.close();
  rmSync(dir, { recursive: true, force: true });
  return latencies;
}

async function spawnPeer(args: readonly string[], cleanUp: () => void): Promise<Peer> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const [, found] = /listening on http(\S+)/.exec(line) ?? [];
      if (found) resolve(`ws${found}`);
    });
  });
  return { url, [Symbol.asyncDispose]: () => endPeer(child, cleanUp) };
}

async function endPeer(child: ChildProcess, cleanUp: () => void): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  cleanUp();
}

if (process.argv[2] === "echo") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data, { binary: false })));
  await once(server, "listening");
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
}
