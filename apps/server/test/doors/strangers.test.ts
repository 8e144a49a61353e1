import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { AppRouter } from "@my-bot/protocol";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { expect, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { AddressLimits } from "../../src/transport/address-limits.ts";
import { type Sent, senderOf } from "../../src/transport/sender.ts";
import { WrongTokens } from "../../src/transport/wrong-tokens.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";

const TOKEN = "a-long-enough-token-for-tests";

function start(): Promise<ServerProcess> {
  return startServer({ config: { llm: { provider: "offline" }, api: { token: TOKEN } } });
}

function socketTo(server: ServerProcess, path: string, options: ClientOptions = {}): WebSocket {
  return new WebSocket(server.url.replace("http", "ws") + path, options);
}

/** The status of an upgrade, and when to come again. */
async function upgrade(server: ServerProcess, path: string, headers: Record<string, string>) {
  const socket = socketTo(server, path, { headers });
  const opened = once(socket, "open").then(() => ({ status: 101, retryAfter: undefined }));
  const refused = once(socket, "unexpected-response").then(([, response]) => ({
    status: response.statusCode as number,
    retryAfter: response.headers["retry-after"] as string | undefined,
  }));
  const answer = await Promise.race([opened, refused]);
  socket.terminate();
  return answer;
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const BLOCKED = { status: 429, retryAfter: "300" };

test("[DOOR10] a page that has guessed ten tokens is let in at no door, not with the right one either", async () => {
  await using server = await start();
  const page = { Origin: server.url };
  for (let n = 0; n < 10; n++)
    expect(await upgrade(server, "/ws", { ...page, ...bearer(`wrong-${n}`) })).toMatchObject({ status: 401 });
  for (const path of ["/ws", "/trpc"])
    expect(await upgrade(server, path, { ...page, ...bearer(TOKEN) })).toEqual(BLOCKED);
  for (const path of ["/trpc/info", "/attachments/x"]) {
    const { status, headers } = await fetch(server.url + path, { headers: { ...page, ...bearer(TOKEN) } });
    expect({ status, retryAfter: headers.get("retry-after") }).toEqual(BLOCKED);
  }
  for (const path of ["/", "/healthz"]) expect((await fetch(server.url + path, { headers: page })).status).toBe(200);
  expect(await upgrade(server, "/ws", bearer(TOKEN))).toMatchObject({ status: 101 });
});

test("[DOOR10] a program of this machine is told each time that its token is wrong, and let in with the right one", async () => {
  await using server = await start();
  for (let n = 0; n < 15; n++)
    expect(await upgrade(server, "/ws", bearer(`wrong-${n}`))).toMatchObject({ status: 401 });
  expect(await upgrade(server, "/ws", bearer(TOKEN))).toMatchObject({ status: 101 });
});

test("[DOOR10] a socket guesses once, however often it calls, and one without a token does not guess", async () => {
  await using server = await start();
  const page = { Origin: server.url };
  const callWith = async (token: string | undefined): Promise<void> => {
    class PageSocket extends WebSocket {
      constructor(url: string | URL) {
        super(url, { headers: page });
      }
    }
    const socketClient = createWSClient({
      url: `${server.url.replace("http", "ws")}/trpc`,
      connectionParams: token === undefined ? null : { token },
      WebSocket: PageSocket as unknown as typeof globalThis.WebSocket,
    });
    const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: socketClient })] });
    for (let n = 0; n < 3; n++)
      await expect(client.info.query()).rejects.toMatchObject({ data: { code: "UNAUTHORIZED" } });
    await socketClient.close();
  };
  for (let n = 0; n < 9; n++) await callWith(`wrong-${n}`);
  for (let n = 0; n < 3; n++) await callWith(undefined);
  expect(await upgrade(server, "/trpc", page)).toMatchObject({ status: 101 });
  await callWith("wrong-10");
  expect(await upgrade(server, "/trpc", page)).toEqual(BLOCKED);
});

function from(remoteAddress: string, origin?: string): Sent {
  return { socket: { remoteAddress }, headers: { origin } };
}

test("[DOOR10] wrong tokens count for a minute, and shut a sender out for five, whatever way its address is written", () => {
  let now = 1000;
  const tokens = new WrongTokens(() => now);
  const isBlocked = (sent: Sent): boolean => tokens.isBlocked(senderOf(sent));
  const guess = (sent: Sent, times: number): boolean => {
    for (let n = 0; n < times; n++) tokens.count(senderOf(sent));
    return isBlocked(sent);
  };
  expect(guess(from("203.0.113.7"), 9)).toBe(false);
  now += 60_001;
  expect(guess(from("203.0.113.7"), 9)).toBe(false);
  expect(guess(from("::ffff:203.0.113.7"), 1)).toBe(true);
  expect(isBlocked(from("203.0.113.7", "https://page.example"))).toBe(false);
  expect(isBlocked(from("203.0.113.8"))).toBe(false);
  now += 200_000;
  expect(guess(from("203.0.113.7"), 5)).toBe(true); // which makes it no longer
  now += 100_001;
  expect(isBlocked(from("203.0.113.7"))).toBe(false);

  expect(guess(from("2001:db8:1:2::1"), 5)).toBe(false);
  expect(guess(from("2001:db8:1:2:ffff::9"), 5)).toBe(true); // all of a network
  expect(isBlocked(from("2001:db8:1:3::1"))).toBe(false);
  expect([guess(from("127.0.0.1"), 50), guess(from("::1"), 50)]).toEqual([false, false]);
  expect(guess(from("127.0.0.1", "http://localhost:3000"), 10)).toBe(true);
});

test("[DOOR10] what is remembered of senders is bounded", () => {
  const tokens = new WrongTokens();
  const first = from("198.51.100.1");
  for (let n = 0; n < 10; n++) tokens.count(senderOf(first));
  expect(tokens.isBlocked(senderOf(first))).toBe(true);
  for (let n = 0; n < 10_000; n++) tokens.count(senderOf(from(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)));
  expect(tokens.isBlocked(senderOf(first))).toBe(false);
});

test("[DOOR11] one other machine has so many sockets, and so many new ones a second; this machine any number", async () => {
  const addresses = new AddressLimits({ connections_per_address: 3, new_connections_per_second: 5 });
  const open = (sent: Sent): EventEmitter | undefined => {
    if (!addresses.hasRoom(sent)) return undefined;
    const socket = new EventEmitter();
    addresses.count(sent, socket);
    return socket;
  };
  const [first] = [1, 2, 3].map(() => open(from("203.0.113.7")));
  expect(open(from("::ffff:203.0.113.7"))).toBeUndefined();
  expect(open(from("203.0.113.8"))).toBeDefined();
  first?.emit("close");
  expect(open(from("203.0.113.7"))?.emit("close")).toBe(true); // the fifth in this second
  expect(open(from("203.0.113.7"))).toBeUndefined();
  await delay(1010);
  expect(open(from("203.0.113.7"))).toBeDefined();
  for (let n = 0; n < 100; n++) expect(open(from("127.0.0.1"))).toBeDefined();
});

test("[DOOR12] a socket without the token is closed after 10 s, or when it sends much; one with it may wait", async () => {
  await using server = await start();
  const waiting = ["/trpc", "/trpc?connectionParams=1"].map((path) => socketTo(server, path));
  const known = socketTo(server, "/trpc?connectionParams=1");
  const loud = socketTo(server, "/trpc");
  await Promise.all([...waiting, known, loud].map((socket) => once(socket, "open")));
  const startedAt = performance.now();
  const params = (token: string): string => JSON.stringify({ method: "connectionParams", data: { token } });
  known.send(params(TOKEN));
  waiting[1]?.send(params("wrong"));
  const large = JSON.stringify({ id: 1, method: "query", params: { path: "info", input: "x".repeat(64 * 1024) } });
  loud.send(large);
  expect((await once(loud, "close"))[0]).toBe(1008);
  expect(performance.now() - startedAt).toBeLessThan(5000);
  const codes = await Promise.all(waiting.map(async (socket) => (await once(socket, "close"))[0]));
  expect(codes).toEqual([1008, 1008]);
  expect(performance.now() - startedAt).toBeGreaterThan(9000);
  known.send(large);
  expect(JSON.parse(String((await once(known, "message"))[0]))).toMatchObject({ id: 1 });
  known.terminate();
});
