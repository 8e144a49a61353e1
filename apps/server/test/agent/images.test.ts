import type { Attachment } from "@my-bot/protocol";
import { expect, test } from "vitest";
import type { ModelMessage } from "../../src/agent/language-model.ts";
import { chatBody } from "../../src/agent/llm/chat-body.ts";
import { takesImages } from "../../src/agent/takes-images.ts";
import { pngImage, uploadTo } from "../support/images.ts";
import { connectRaw, type Frame } from "../support/raw-client.ts";
import { callsTool, type ScriptedModel, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcHttp } from "../support/trpc-client.ts";

const png = pngImage({ width: 3 });
const part = { type: "image_url", image_url: { url: `data:image/png;base64,${png.toString("base64")}` } };
const NOTE = "\n[an image that is not shown here: image/png, 3 × 2]";

/** What the model was asked in its n-th request, the system prompt left out. */
function asked(model: ScriptedModel, request: number): unknown[] {
  return (model.requests[request]?.messages ?? [])
    .filter(({ role }) => role !== "system")
    .map(({ content }) => content);
}

test("[IMG3] the model gets the image as a data URL, in every turn and run that still sees the message, also after a kill", async () => {
  await using model = await startScriptedModel(callsTool("read", { path: "." }), says("A cat."), says("Grey."));
  await using server = await startServer({ config: { llm: { ...model.llm, images: true } } });
  const { id } = await uploadTo(server.url, png);
  {
    await using raw = await connectRaw(server.url);
    raw.send({ source: "a", content: "What is that?", attachments: [id] });
    expect(await raw.next("OutboundEvent")).toMatchObject({ content: "A cat.", error: null });
  }
  await server.stop("SIGKILL");
  await server.start();
  await using raw = await connectRaw(server.url);
  raw.send({ source: "a", content: "", attachments: [id] });
  expect(await raw.next("OutboundEvent")).toMatchObject({ content: "Grey.", error: null });
  const question = [{ type: "text", text: "What is that?" }, part];
  expect(asked(model, 0)).toEqual([question]);
  expect(asked(model, 1)[0]).toEqual(question);
  expect(asked(model, 2)[0]).toEqual(question);
  expect(asked(model, 2).at(-1)).toEqual([part]); // without a text there is no empty one
});

test("[IMG4] a model that is not known to take images gets none: the message is refused and says what to do", async () => {
  await using model = await startScriptedModel(says("Hello"));
  await using server = await startServer({ config: { llm: model.llm } });
  const client = connectTrpcHttp(server.url);
  const { id } = await uploadTo(server.url, png);
  expect(await client.agents.list.query()).toMatchObject([{ images: false }, { images: false }]);
  await expect(client.send.mutate({ source: "a", content: "Look", attachments: [id] })).rejects.toMatchObject({
    message:
      'The model "scripted" of the agent "pickle" is not known to take images; choose another, or set llm.images: true if it does',
    data: { code: "BAD_REQUEST" },
  });
  expect(model.requests).toHaveLength(0);
});

test("[IMG4] [CMD1] a model that is chosen for the session is judged by its own name", async () => {
  await using model = await startScriptedModel(says("Seen"));
  await using server = await startServer({ config: { llm: { ...model.llm, images: false } } });
  const { id } = await uploadTo(server.url, png);
  await using raw = await connectRaw(server.url);
  const say = async (message: object): Promise<Frame> => {
    raw.send({ source: "a", ...message });
    for (;;) {
      const frame = await raw.next();
      if (frame.type !== "InboundEvent") return frame;
    }
  };
  expect(await say({ content: "Look", attachments: [id] })).toMatchObject({ type: "error" });
  await say({ content: "/model gpt-4o" });
  expect(await say({ content: "Look", attachments: [id] })).toMatchObject({ content: "Seen" });
  expect(asked(model, 0)).toEqual([[{ type: "text", text: "Look" }, part]]);
  await say({ content: "/model default" });
  await say({ content: "And now?" });
  expect(asked(model, 1)[0]).toBe(`Look${NOTE}`); // what it cannot see it is told of
});

test("[IMG4] [LLM5] a fallback that takes no images is told of them", async () => {
  await using broken = await startScriptedModel((reply) => reply.fail(401, "no"));
  await using model = await startScriptedModel(says("I see nothing"));
  const llm = { ...broken.llm, images: true, fallbacks: [model.llm] };
  await using server = await startServer({ config: { llm } });
  const { id } = await uploadTo(server.url, png);
  await using raw = await connectRaw(server.url);
  raw.send({ source: "a", content: "Look", attachments: [id] });
  expect(await raw.next("OutboundEvent")).toMatchObject({ content: "I see nothing" });
  expect(asked(broken, 0)).toEqual([[{ type: "text", text: "Look" }, part]]);
  expect(asked(model, 0)).toEqual([`Look${NOTE}`]);
});

test("[IMG3] the newest 20 MiB of images go with a request; of older ones, and of those that are gone, a note tells", () => {
  const MiB = 1024 * 1024;
  const images = [5, 4, 6, 6, 5].map(
    (size, index): Attachment => ({
      id: String(index),
      media_type: "image/png",
      bytes: size * MiB,
      width: 3,
      height: 2,
    }),
  );
  const messages: ModelMessage[] = images.map((image) => ({ role: "user", content: "Look", images: [image] }));
  const read = (id: string) => (id === "3" ? undefined : new Uint8Array([Number(id)]));
  const { messages: sent } = chatBody({ messages, tools: [] }, read);
  const url = (byte: number) => `data:image/png;base64,${Buffer.from([byte]).toString("base64")}`;
  const shown = (byte: number) => [
    { type: "text", text: "Look" },
    { type: "image_url", image_url: { url: url(byte) } },
  ];
  expect(sent.map(({ content }) => content)).toEqual([`Look${NOTE}`, `Look${NOTE}`, shown(2), `Look${NOTE}`, shown(4)]);
});

test("[IMG4] models are known by a part of their name, and the configuration knows better", () => {
  const by = (model: string, images?: boolean) => takesImages({ provider: "openai", model, images });
  for (const model of [
    "gpt-4.1-mini",
    "openai/gpt-4o",
    "o3",
    "claude-opus-5",
    "gemini-3-pro",
    "qwen2.5vl:7b",
    "llava:13b",
  ]) {
    expect({ model, images: by(model) }).toEqual({ model, images: true });
  }
  for (const model of ["gpt-4", "gpt-3.5-turbo", "o3-mini", "qwen3:8b", "deepseek-chat", "my-own"]) {
    expect({ model, images: by(model) }).toEqual({ model, images: false });
  }
  expect([by("my-own", true), by("gpt-4o", false)]).toEqual([true, false]);
  expect(takesImages({ provider: "openai", model: "my-own", images: true }, "other")).toBe(false);
});
