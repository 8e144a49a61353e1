import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pngImage } from "./support/images.ts";
import { myBot } from "./support/my-bot-command.ts";
import { says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";
import { tempDir } from "./support/temp-dir.ts";

test("[CLI13] send --image sends images with the message, or alone, and names a file that is none", async () => {
  using dir = tempDir();
  const images = [pngImage({ shade: 1 }), pngImage({ shade: 2 })];
  for (const [index, data] of images.entries()) writeFileSync(join(dir.path, `${index}.png`), data);
  writeFileSync(join(dir.path, "notes.txt"), "no image");
  await using model = await startScriptedModel(says("Two cats."));
  await using server = await startServer({ config: { llm: { ...model.llm, images: true } } });
  const send = (...args: string[]) => myBot(["send", "--url", server.url, ...args], { cwd: dir.path });

  const both = await send("Look", "--image", "0.png", "--image", "1.png");
  expect(both).toEqual({ code: 0, stdout: "Two cats.\n", stderr: "" });
  const parts = images.map((data) => ({
    type: "image_url",
    image_url: { url: `data:image/png;base64,${data.toString("base64")}` },
  }));
  expect(model.requests[0]?.messages.at(-1)?.content).toEqual([{ type: "text", text: "Look" }, ...parts]);
  expect((await send("", "--image", "0.png")).code).toBe(0);
  expect(model.requests[1]?.messages.at(-1)?.content).toEqual([parts[0]]);

  const missing = await send("Look", "--image", "nowhere.png");
  expect(missing).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^my-bot: --image nowhere\.png: ENOENT.*\n$/),
  });
  const other = await send("Look", "--image", "notes.txt");
  expect(other).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^my-bot: --image notes\.txt: This is no image.*\n$/),
  });
  expect(model.requests).toHaveLength(2);
});
