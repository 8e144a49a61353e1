import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcHttp } from "../support/trpc-client.ts";

/** Sends these bytes as they are and returns the status line of what comes back. */
async function exchange(server: ServerProcess, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [answer] = (await Promise.race([once(socket, "data"), once(socket, "close").then(() => ["closed"])])) as [
    unknown,
  ];
  socket.destroy();
  return String(answer).split("\r\n")[0] ?? "";
}

function upgrade(target: string, headers: readonly string[]): string[] {
  return [
    `GET ${target} HTTP/1.1`,
    ...headers,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
}

test("[DOOR4] no upgrade or request, however malformed, ends the process", async () => {
  await using server = await startServer();
  const { host } = new URL(server.url);
  const bad = [
    ...["Host: [", "Host: a b", "Host:", "Host: 127.0.0.1:99999", "Host: 127.0.0.1:x", "X-No-Host: 1"].map((header) => [
      "/trpc",
      header,
    ]),
    ...["//", "//[::bad", "http://[", "http://", "*", "/%", "/\\[", "/\t/[", "ws"].map((target) => [
      target,
      `Host: ${host}`,
    ]),
  ] as const;
  for (const [target = "", header = ""] of bad) {
    for (const lines of [upgrade(target, [header]), [`GET ${target} HTTP/1.1`, header]]) {
      const status = await exchange(server, lines);
      expect({ target, header, status }).toEqual({
        target,
        header,
        status: expect.stringMatching(/^HTTP\/1\.1 4\d\d|^closed/),
      });
    }
  }
  expect(await exchange(server, upgrade("/trpc", [`Host: ${host}`, `Host: ${host}`]))).toMatch(/ 400 /);
  expect(await exchange(server, upgrade("/elsewhere", [`Host: ${host}`]))).toMatch(/ 404 /);
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Still there?" });
  await client.next("OutboundEvent");
});

test("[DOOR2] [bug contract-4.7] a page of another origin is refused before the upgrade", async () => {
  await using server = await startServer({ args: ["--allow-origin", "http://localhost:3000"] });
  const { host, port } = new URL(server.url);
  const attempt = (path: string, origin: string) =>
    exchange(server, upgrade(path, [`Host: ${host}`, `Origin: ${origin}`]));
  for (const path of ["/ws", "/trpc"]) {
    for (const origin of [
      "https://evil.example",
      "null",
      `http://localhost.evil.example:${port}`,
      "http://127.0.0.1:1",
    ]) {
      expect({ origin, status: await attempt(path, origin) }).toEqual({ origin, status: "HTTP/1.1 403 Forbidden" });
    }
    expect(await attempt(path, `http://${host}`)).toMatch(/ 101 /);
    expect(await attempt(path, "http://localhost:3000")).toMatch(/ 101 /);
    expect(await exchange(server, upgrade(path, [`Host: ${host}`]))).toMatch(/ 101 /);
  }
  const post = await fetch(`${server.url}/trpc/send`, { method: "POST", headers: { Origin: "https://evil.example" } });
  expect(post.status).toBe(403);
});

test("[DOOR3] a stranger's host name is refused, with and without a forwarded one", async () => {
  await using server = await startServer({
    config: { llm: { provider: "offline" }, api: { allowed_hosts: ["bot.home"] } },
  });
  const { port } = new URL(server.url);
  const status = (...headers: string[]) => exchange(server, upgrade("/ws", headers));
  expect(await status("Host: evil.example")).toMatch(/ 403 /);
  expect(await status("Host: evil.example", "X-Forwarded-Host: localhost")).toMatch(/ 403 /);
  for (const name of ["localhost", "127.0.0.1", "[::1]", "bot.home", "LOCALHOST"]) {
    expect(await status(`Host: ${name}:${port}`)).toMatch(/ 101 /);
  }
});

test("[DOOR1] one port serves the web app, health, and refuses the rest by name", async () => {
  await using server = await startServer();
  const get = (path: string) => fetch(`${server.url}${path}`);
  const page = await get("/");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-security-policy")).toMatch(/frame-ancestors 'none'/);
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(page.headers.get("cache-control")).toBe("no-cache");
  expect(await (await get("/healthz")).text()).toBe(`{"ok":true}`);
  expect((await get("/nowhere")).status).toBe(404);
  expect((await get("/..%2f..%2fpackage.json")).status).toBe(404);
  expect((await get("/ws")).status).toBe(426);
  expect((await fetch(server.url, { method: "DELETE" })).status).toBe(405);
});

test("[DOOR5] with a token set, every door needs it", async () => {
  const token = "a-long-enough-token-for-tests";
  await using server = await startServer({ config: { llm: { provider: "offline" }, api: { token } } });
  const { host } = new URL(server.url);
  const raw = (header: string) => exchange(server, upgrade("/ws", [`Host: ${host}`, header]));
  expect(await raw("X-Nothing: 1")).toMatch(/ 401 /);
  expect(await raw("Authorization: Bearer wrong")).toMatch(/ 401 /);
  expect(await raw(`Authorization: Bearer ${token}`)).toMatch(/ 101 /);
  await expect(connectTrpcHttp(server.url).info.query()).rejects.toMatchObject({ data: { code: "UNAUTHORIZED" } });
  const allowed = await fetch(`${server.url}/trpc/info`, { headers: { Authorization: `Bearer ${token}` } });
  expect(allowed.status).toBe(200);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test("[DOOR5] an address that others can reach needs a token", async () => {
  await expect(startServer({ args: ["--host", "0.0.0.0"] })).rejects.toThrow(/ended with 78.*api\.token/s);
});

test("[DOOR7] more sockets than the limit are refused, until one leaves", async () => {
  const api = { limits: { connections: 1 } };
  await using server = await startServer({ config: { llm: { provider: "offline" }, api } });
  const { host } = new URL(server.url);
  const first = await connectRaw(server.url);
  expect(await exchange(server, upgrade("/trpc", [`Host: ${host}`]))).toMatch(/ 503 /);
  first.socket.close();
  await first.closed;
  await expect.poll(() => exchange(server, upgrade("/ws", [`Host: ${host}`]))).toMatch(/ 101 /);
});
