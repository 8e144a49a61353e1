import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const EVERYTHING = fileURLToPath(import.meta.resolve("@modelcontextprotocol/server-everything/dist/index.js"));
const FILESYSTEM = fileURLToPath(import.meta.resolve("@modelcontextprotocol/server-filesystem/dist/index.js"));
const ODD = join(import.meta.dirname, "odd-mcp-server.ts");

/** The reference server, for `mcp.servers` in the configuration. */
export const everything = { command: process.execPath, args: [EVERYTHING, "stdio"], approval: "allow" };

/** The reference server for files of one folder. */
export function filesystem(folder: string): object {
  return { command: process.execPath, args: [FILESYSTEM, folder], approval: "allow" };
}

/** What a server that is not as it should be does: see odd-mcp-server.ts. */
export function oddServer(behaviour: string, ...args: readonly string[]) {
  return { command: process.execPath, args: [ODD, behaviour, ...args], approval: "allow" };
}

export interface HttpMcpServer extends AsyncDisposable {
  /** For `mcp.servers` in the configuration. */
  readonly config: { readonly url: string; readonly approval: string };
  kill(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

/** Ended with this process, also when a test timed out and did not clean up. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The reference server over streamable HTTP. */
export async function startHttpMcpServer(): Promise<HttpMcpServer> {
  const port = await findFreePort();
  let child = await launch(port);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    config: { url: `http://127.0.0.1:${port}/mcp`, approval: "allow" },
    kill,
    start: async () => {
      child = await launch(port);
    },
    [Symbol.asyncDispose]: kill,
  };
}

async function launch(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, PORT: String(port) },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const lines = createInterface(child.stderr);
  for await (const line of lines) if (line.includes("listening on port")) break;
  child.stderr.resume();
  return child;
}

/** The server has to be told one: it does not say which it took. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
