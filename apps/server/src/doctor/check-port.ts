import { once } from "node:events";
import { createServer } from "node:net";
import * as z from "zod";
import type { ApiConfig } from "../workspace/config.ts";
import { type Finding, ok, problem } from "./finding.ts";

const PATIENCE_MS = 2000;
const ANY_ADDRESS = new Set(["0.0.0.0", "::"]);
const Info = z.object({ result: z.object({ data: z.object({ name: z.literal("my-bot"), version: z.string() }) }) });

/** Free, or answered by my-bot. */
export async function checkPort(api: ApiConfig): Promise<Finding> {
  const { host, port } = api;
  const code = await tryToListen(host, port);
  if (code === undefined) return ok("port", `${port} on ${host} is free`);
  if (code !== "EADDRINUSE")
    return problem("port", `${port} on ${host} cannot be used (${code}); change api.host or api.port`);
  const version = await askForVersion(api);
  if (version !== undefined) return ok("port", `my-bot ${version} answers on port ${port}`);
  return problem("port", `${port} on ${host} is in use by another program; stop it, or change api.port`);
}

/** The code of the error, if there is one. */
async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
    return undefined;
  } catch (cause) {
    return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  } finally {
    server.close();
  }
}

async function askForVersion({ host, port, token }: ApiConfig): Promise<string | undefined> {
  const name = ANY_ADDRESS.has(host) ? "127.0.0.1" : host;
  const url = `http://${name.includes(":") ? `[${name}]` : name}:${port}/trpc/info`;
  try {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return Info.safeParse(await response.json()).data?.result.data.version;
  } catch {
    return undefined;
  }
}
