import { expect, test } from "vitest";
import { idOf, pngImage } from "../../../apps/server/test/support/images.ts";
import { startServer } from "../../../apps/server/test/support/server-process.ts";
import { createMyBotClient } from "../src/index.ts";
import { startCuttingProxy } from "./support/cutting-proxy.ts";

const png = pngImage({ width: 3 });
const image = { id: idOf(png), media_type: "image/png", bytes: png.length, width: 3, height: 2 };

for (const direction of ["requests", "answers"] as const) {
  test(`[CLT12] an image whose ${direction} are lost with the line is uploaded again, and there once`, async () => {
    await using server = await startServer();
    await using proxy = await startCuttingProxy(server.url);
    await using client = createMyBotClient({ url: proxy.url });
    expect(await proxy.lose(direction, () => client.attachments.upload(png))).toEqual(image);
    const blob = await proxy.lose(direction, () => client.attachments.download(image.id));
    expect([blob.type, Buffer.from(await blob.arrayBuffer()).equals(png)]).toEqual(["image/png", true]);
  });
}

test("[CLT12] [CLT9] a server that is away is waited for, until a signal or close ends that", async () => {
  await using server = await startServer();
  const client = createMyBotClient({ url: server.url });
  await server.stop();
  const reason = new Error("enough");
  const waiting = client.attachments.upload(png, { signal: AbortSignal.timeout(10_000) });
  const stop = new AbortController();
  const stopped = client.attachments.upload(png, { signal: stop.signal });
  stop.abort(reason);
  await expect(stopped).rejects.toBe(reason);
  await server.start();
  expect(await waiting).toEqual(image);
  await server.stop();
  const closed = client.attachments.download(image.id);
  await Promise.all([client.close(), expect(closed).rejects.toMatchObject({ code: "CLOSED" })]);
});

test("[CLT12] [IMG1] what the server refuses has its code and sentence; with the token it is taken", async () => {
  const token = "a-long-enough-token-for-tests";
  await using server = await startServer({ config: { llm: { provider: "offline" }, api: { token } } });
  await using stranger = createMyBotClient({ url: server.url });
  await expect(stranger.attachments.upload(png)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await using client = createMyBotClient({ url: server.url, token });
  expect(await client.attachments.upload(new Blob([png]))).toEqual(image);
  await expect(client.attachments.upload(new Blob(["no image"]))).rejects.toMatchObject({
    name: "MyBotClientError",
    code: "BAD_REQUEST",
    message: "This is no image of a kind that models take: image/png, image/jpeg, image/webp, image/gif",
  });
  await expect(client.attachments.download("nothing")).rejects.toMatchObject({ code: "NOT_FOUND" });
});
