import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 15_000;
const POLL_MS = 15;

/** A server behind a command: known by nothing but its port, its signals and its exit code. */
export interface ServerCommand extends AsyncDisposable {
  readonly port: number;
  /** Of the last process, which leads a group of its own. */
  readonly pid: number | undefined;
  /** What the last process wrote on standard error. */
  readonly stderr: string;
  readonly isRunning: boolean;
  /** Starts a process; `ready` tells whether it answered in time. */
  launch(): void;
  /** Resolves with false when the process ended by itself or does not answer within 15 s. */
  ready(): Promise<boolean>;
  /** Launches it and waits until it is ready. Throws when it does not get so, with what it said. */
  start(): Promise<void>;
  /** kill -9 of its whole process group. */
  kill(): Promise<void>;
  /** SIGTERM. The exit code; null when it had to be killed after 15 s, or was ended by a signal. */
  terminate(): Promise<number | null>;
}

export interface CommandOptions {
  /** Words divided by spaces (quotes hold them together); `{port}` and `{workspace}` are replaced. */
  readonly command: string;
  readonly workspaceDir: string;
  readonly cwd?: string | undefined;
}

const given = new Set<number>(); // ports
/** Ended with this process, whatever ends that. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) killGroup(child);
});

export async function prepareServerCommand(options: CommandOptions): Promise<ServerCommand> {
  const port = await freePort();
  const [file = "", ...args] = parseCommand(options.command).map((word) =>
    word.replaceAll("{port}", String(port)).replaceAll("{workspace}", options.workspaceDir),
  );
  let child: ChildProcess | undefined;
  let stderr = "";

  const ended = (): boolean => !child || child.exitCode !== null || child.signalCode !== null;
  function launch(): void {
    stderr = "";
    child = spawn(file, args, { cwd: options.cwd, stdio: ["ignore", "ignore", "pipe"], detached: true });
    const started = child;
    running.add(started);
    started.on("exit", () => running.delete(started));
    started.stderr?.on("data", (bytes: Buffer) => {
      stderr = (stderr + bytes.toString()).slice(-4000);
    });
  }
  async function ready(): Promise<boolean> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (!ended() && performance.now() < deadline) {
      if (await isHealthy(port)) return true;
      await delay(POLL_MS);
    }
    return false;
  }
  async function kill(): Promise<void> {
    if (!child || ended()) return;
    const exit = once(child, "exit");
    killGroup(child);
    await exit;
  }
  return {
    port,
    get pid() {
      return child?.pid;
    },
    get stderr() {
      return stderr;
    },
    get isRunning() {
      return !ended();
    },
    launch,
    ready,
    start: async () => {
      launch();
      if (!(await ready())) throw new Error(`The server does not start: ${stderr.trim()}`);
    },
    kill,
    terminate: async () => {
      if (!child || ended()) return child?.exitCode ?? null;
      const exit = once(child, "exit", { signal: AbortSignal.timeout(STOP_LIMIT_MS) });
      child.kill("SIGTERM");
      return exit.then(
        ([code]) => code,
        async () => {
          await kill();
          return null;
        },
      );
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** `node "my server.js" --port {port}` → its words. */
export function parseCommand(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => {
    return double ?? single ?? bare ?? "";
  });
}

export async function isHealthy(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(2000);
  return fetch(`http://127.0.0.1:${port}/healthz`, { signal, headers: { Connection: "close" } })
    .then(async (response) => (await response.text()) !== "" && response.ok)
    .catch(() => false);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // it is gone
  }
}

/** Never the same twice: a server that is just down must not find another of this process on its port. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No free port");
  if (given.has(address.port)) return freePort();
  given.add(address.port);
  return address.port;
}
