import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { editWorkspace } from "../support/edited-workspace.ts";
import { MessageQueue } from "../support/message-queue.ts";
import { startServer } from "../support/server-process.ts";

const OLD = "the-first-token-of-24-characters";
const NEW = "the-other-token-of-24-characters";
const config = (token?: string) => ({ llm: { provider: "offline" }, api: token === undefined ? {} : { token } });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The close code of a socket; the HTTP status when it was refused before. */
function ending(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.on("close", resolve);
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", () => undefined);
  });
}

function opened(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => socket.on("open", resolve));
}

test("[DOOR9] a changed token is needed at once: the old one is refused, and who came with it is sent away with 4401", async () => {
  await using server = await startServer({ config: config(OLD) });
  const { host } = new URL(server.url);
  const connect = (path: string, token: string) => new WebSocket(`ws://${host}${path}`, { headers: bearer(token) });
  const info = async (token: string) => (await fetch(`${server.url}/trpc/info`, { headers: bearer(token) })).status;
  const [raw, rpc] = [connect("/ws", OLD), connect("/trpc", OLD)];
  const endings = Promise.all([ending(raw), ending(rpc)]);
  await Promise.all([opened(raw), opened(rpc)]);
  const input = encodeURIComponent(JSON.stringify({ lastEventId: "0" }));
  const stream = await fetch(`${server.url}/trpc/events?input=${input}`, {
    headers: { ...bearer(OLD), Accept: "text/event-stream" },
  });
  expect(stream.status).toBe(200);
  const streamEnd = stream.text().catch(() => "cut off");

  editWorkspace(server).writeConfig(config(NEW));
  expect(await endings).toEqual([4401, 4401]);
  await streamEnd;
  expect(await info(OLD)).toBe(401);
  expect(await info(NEW)).toBe(200);
  expect(await ending(connect("/ws", OLD))).toBe(401);
  await opened(connect("/ws", NEW));
});

test("[DOOR9] a socket that does not leave is heard no more, and is cut off", async () => {
  await using server = await startServer({ config: config(OLD) });
  const { host } = new URL(server.url);
  const observer = new WebSocket(`ws://${host}/ws`, { headers: bearer(OLD) });
  await opened(observer);
  const stubborn = new WebSocket(`ws://${host}/ws`, { headers: bearer(OLD) });
  await opened(stubborn);
  const cutOff = ending(stubborn);
  stubborn.pause(); // never answers the server's close
  editWorkspace(server).writeConfig(config(NEW));
  expect(await ending(observer)).toBe(4401);
  stubborn.send(JSON.stringify({ source: "intruder", content: "Hi" }));
  const reader = new WebSocket(`ws://${host}/ws?events=all&after=0`, { headers: bearer(NEW) });
  const events = new MessageQueue<{ type: string; source?: string }>();
  reader.on("message", (data) => events.push(JSON.parse(data.toString())));
  await opened(reader);
  reader.send(JSON.stringify({ source: "owner", content: "Hi" }));
  await events.next("an answer", ({ type }) => type === "OutboundEvent");
  stubborn.resume();
  expect([1006, 4401]).toContain(await cutOff);
  expect(events.all.filter(({ source }) => source === "platform-ws:intruder")).toEqual([]);
  reader.terminate();
});

test("[DOOR9] [DOOR5] a token can be set and taken away while the server runs, but not where others can reach it", async () => {
  await using local = await startServer({ config: config() });
  const status = async (url: string) => (await fetch(`${url}/trpc/info`)).status;
  editWorkspace(local).writeConfig(config(OLD));
  await expect.poll(() => status(local.url), { timeout: 15_000 }).toBe(401);
  editWorkspace(local).writeConfig(config());
  await expect.poll(() => status(local.url), { timeout: 15_000 }).toBe(200);

  await using open = await startServer({ config: config(OLD), args: ["--host", "0.0.0.0"] });
  const url = open.url.replace("0.0.0.0", "127.0.0.1");
  editWorkspace(open).writeConfig(config());
  await expect
    .poll(() => open.stderr, { timeout: 15_000 })
    .toEqual([
      expect.stringMatching(/^warning: config\.user\.yaml: api\.host: 0\.0\.0\.0 is reachable .*set api\.token/),
    ]);
  expect(await status(url)).toBe(401);
});
