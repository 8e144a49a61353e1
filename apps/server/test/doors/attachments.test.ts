import { expect, test } from "vitest";
import { inspectImage } from "../../src/inspect-image.ts";
import { idOf, OTHER_IMAGES, pngImage, uploadTo } from "../support/images.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

const png = pngImage({ width: 3 });
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><script>alert(1)</script></svg>`;

function post(url: string, body: RequestInit["body"], headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/attachments`, { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

function inPieces(data: Uint8Array): ReadableStream {
  return new Blob([Buffer.from(data)]).stream(); // goes out chunked, without a length
}

test("[IMG1] an upload answers what the image is, by its bytes, and the same again for the same bytes", async () => {
  await using server = await startServer();
  for (const [media_type, data] of Object.entries({ ...OTHER_IMAGES, "image/png": png })) {
    const seen = { id: idOf(data), media_type, bytes: data.length, width: 3, height: 2 };
    const first = await post(server.url, new Uint8Array(data), { "Content-Type": "text/html" });
    expect({ status: first.status, body: await first.json() }).toEqual({ status: 201, body: seen });
    const again = await post(server.url, inPieces(data));
    expect({ status: again.status, body: await again.json() }).toEqual({ status: 201, body: seen });
  }
});

test("[IMG1] [RPC5] what is no image, is cut short or is too large is refused with a sentence, and the server goes on", async () => {
  const api = { limits: { attachment_bytes: 1000 } };
  await using server = await startServer({ config: { llm: { provider: "offline" }, api } });
  const noImage = "This is no image of a kind that models take: image/png, image/jpeg, image/webp, image/gif";
  const tooLarge = "An image may have 1000 bytes; this one has more";
  const large = Buffer.concat([png, Buffer.alloc(1000)]);
  const refused: [RequestInit["body"], number, string, string][] = [
    ["", 400, "BAD_REQUEST", noImage],
    ["GIF", 400, "BAD_REQUEST", noImage],
    ["<html></html>", 400, "BAD_REQUEST", noImage],
    [svg, 400, "BAD_REQUEST", noImage],
    [png.subarray(0, 20), 400, "BAD_REQUEST", noImage],
    [Buffer.from("BM6\0\0\0"), 400, "BAD_REQUEST", noImage],
    [large, 413, "PAYLOAD_TOO_LARGE", tooLarge],
    [inPieces(large), 413, "PAYLOAD_TOO_LARGE", tooLarge],
  ];
  for (const [body, status, code, message] of refused) {
    const response = await post(server.url, body);
    expect({ status: response.status, body: await response.json() }).toEqual({ status, body: { code, message } });
  }
  const wrong = await fetch(`${server.url}/attachments`, { method: "DELETE" });
  expect(await wrong.json()).toMatchObject({
    message: "POST an image to /attachments, or GET one of /attachments/<id>",
  });
  await uploadTo(server.url, png);
});

test("[IMG1] whatever bytes come, they are an image or refused, at once", () => {
  const images = [png, ...Object.values(OTHER_IMAGES)];
  const outcomes = new Set<string>();
  const inspect = (data: Uint8Array): void => {
    const start = performance.now();
    try {
      outcomes.add(inspectImage(data).media_type);
    } catch (cause) {
      outcomes.add(cause instanceof Error && "code" in cause ? String(cause.code) : String(cause));
    }
    expect(performance.now() - start).toBeLessThan(250);
  };
  for (const image of images) {
    for (let at = 0; at < image.length; at += 1) {
      inspect(image.subarray(0, at));
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) inspect(image.with(at, byte));
    }
  }
  for (let length = 0; length < 24; length += 1)
    expect(() => inspectImage(png.subarray(0, length))).toThrow("no image");
  expect([...outcomes].sort()).toEqual(["BAD_REQUEST", "image/gif", "image/jpeg", "image/png", "image/webp"]);
});

test("[IMG2] [WS1] a message names images by either door; its event tells of them, plain connections see inherited keys", async () => {
  await using server = await startServer();
  const [first, second] = [await uploadTo(server.url, png), await uploadTo(server.url, pngImage({ shade: 200 }))];
  await using full = await connectRaw(server.url, "?events=all");
  await using plain = await connectRaw(server.url);
  plain.send({ source: "raw", content: "", attachments: [first.id] }); // nothing but an image
  expect(await full.next("InboundEvent")).toMatchObject({ content: "", attachments: [first] });
  expect(Object.keys(await plain.next("InboundEvent"))).toEqual([
    ...["type", "session_id", "source", "content", "timestamp", "retry_count"],
  ]);
  const { client, close } = connectTrpcWs(server.url);
  const events = followTrpc(client, {});
  await events.next("SyncedEvent");
  await client.send.mutate({ source: "rpc", content: "Look", attachments: [second.id, first.id] });
  expect((await events.next("InboundEvent")).data).toMatchObject({ content: "Look", attachments: [second, first] });
  const { sessions } = await client.sessions.list.query();
  expect(sessions.find(({ source }) => source === "platform-ws:raw")?.title).toBeNull();
  events.stop();
  await close();
});

test("[IMG2] [WS3] ids that are none, unknown or too many, and a message without anything, are errors by either door", async () => {
  await using server = await startServer();
  const { id } = await uploadTo(server.url, png);
  const unknown = "0".repeat(64);
  const cases: [object, string | RegExp][] = [
    [{ content: "x", attachments: [unknown] }, `Unknown attachment "${unknown}"; upload it first`],
    [{ content: "x", attachments: ["../../etc/passwd"] }, /attachments\.0: is not the id that an upload gave/],
    [{ content: "x", attachments: Array(9).fill(id) }, /attachments: Too big/],
    [{ content: "x", attachments: [] }, /attachments: Too small/],
    [{ content: "x", attachments: id }, /attachments: .*expected array/],
    [{ content: "" }, /content: must not be empty in a message without attachments/],
  ];
  await using raw = await connectRaw(server.url);
  const { client, close } = connectTrpcWs(server.url);
  for (const [fields, message] of cases) {
    const text = typeof message === "string" ? new RegExp(message) : message;
    raw.send({ source: "raw", ...fields });
    expect(await raw.next("error")).toMatchObject({ message: expect.stringMatching(text) });
    const input = { source: "rpc", content: "", ...fields };
    await expect(client.send.mutate(input)).rejects.toThrow(text);
  }
  await close();
});

test("[IMG2] [RPC1] sent again it gives the same receipt, also when the image has gone since; other images are a CONFLICT", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const [first, second] = [await uploadTo(server.url, png), await uploadTo(server.url, pngImage({ shade: 9 }))];
  const message = { source: "a", content: "Look", message_id: "m1", attachments: [first.id] };
  const receipt = await client.send.mutate(message);
  expect(await client.send.mutate(message)).toEqual({ ...receipt, duplicate: true });
  for (const attachments of [undefined, [second.id], [first.id, second.id]]) {
    await expect(client.send.mutate({ ...message, attachments })).rejects.toMatchObject({ data: { code: "CONFLICT" } });
  }
  await client.sessions.delete.mutate({ session_id: receipt.session_id });
  expect((await fetch(`${server.url}/attachments/${first.id}`)).status).toBe(404);
  await expect(client.send.mutate(message)).rejects.toThrow("This message was sent before, and is no longer kept");
  await close();
});

test("[IMG5] an image comes back as it was, and never as something that runs", async () => {
  await using server = await startServer();
  const { id } = await uploadTo(server.url, png);
  const response = await fetch(`${server.url}/attachments/${id}`);
  expect(Buffer.from(await response.arrayBuffer()).equals(png)).toBe(true);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/png",
    "content-length": String(png.length),
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, max-age=31536000, immutable",
  });
  const head = await fetch(`${server.url}/attachments/${id}`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, String(png.length), ""]);
  for (const path of [idOf(Buffer.from("x")), "x", "..%2f..%2fconfig.user.yaml", `${id}/more`]) {
    expect((await fetch(`${server.url}/attachments/${path}`)).status).toBe(404);
  }
});

test("[IMG5] [DOOR2] [DOOR5] images need the token, and pages of other origins get none but those that are allowed", async () => {
  const token = "a-long-enough-token-for-tests";
  await using server = await startServer({
    config: { llm: { provider: "offline" }, api: { token } },
    args: ["--allow-origin", "http://localhost:3000"],
  });
  const url = `${server.url}/attachments`;
  const bearer = { Authorization: `Bearer ${token}` };
  const get = (headers: Record<string, string>) => fetch(`${url}/${idOf(png)}`, { headers });
  expect((await post(server.url, png)).status).toBe(401);
  expect((await post(server.url, png, { Authorization: "Bearer wrong" })).status).toBe(401);
  expect((await post(server.url, png, bearer)).status).toBe(201);
  expect((await get({})).status).toBe(401);
  expect((await get(bearer)).status).toBe(200);
  expect((await get({ ...bearer, Origin: "https://evil.example" })).status).toBe(403);
  const allowed = await get({ ...bearer, Origin: "http://localhost:3000" });
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([200, "http://localhost:3000"]);
  const preflight = await fetch(url, { method: "OPTIONS", headers: { Origin: "http://localhost:3000" } });
  expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
    204,
    "Authorization, Content-Type",
  ]);
  const stranger = await fetch(url, { method: "OPTIONS", headers: { Origin: "https://evil.example" } });
  expect([stranger.status, stranger.headers.get("access-control-allow-origin")]).toEqual([403, null]);
});
