import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { pngImage } from "../support/images.ts";
import { accessibilityFaults, answersOn, openPage } from "../support/page.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const png = pngImage({ width: 60, height: 40, shade: 120 });
const file = { name: "cat.png", mimeType: "image/png", buffer: png };
const toSend = (page: Page) => page.getByTestId("image-to-send");
/** How wide the browser found each image that is shown to be. */
function naturalWidths(page: Page): Promise<unknown> {
  const shown = `document.querySelectorAll('[data-testid="image"][data-loaded="true"]')`;
  return page.evaluate(`Array.from(${shown}, (image) => image.naturalWidth)`);
}

/** Pastes or drops a file that calls itself a PNG. */
async function give(page: Page, type: "paste" | "drop", { name, bytes }: { name: string; bytes: Buffer }) {
  await page.evaluate(`{
    const data = new DataTransfer();
    const bytes = new Uint8Array(${JSON.stringify([...bytes])});
    data.items.add(new File([bytes], ${JSON.stringify(name)}, { type: "image/png" }));
    const options = { bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data };
    const event = ${type === "paste" ? "new ClipboardEvent" : "new DragEvent"}("${type}", options);
    document.querySelector('[data-testid="composer"]').dispatchEvent(event);
  }`);
}

test("[IMG7] [WEB5] an image is chosen, shown, sent alone, answered, and there again after a reload", async () => {
  await using model = await startScriptedModel(says("A grey cat."));
  await using server = await startServer({ config: { llm: { ...model.llm, images: true } } });
  const page = await openPage(browser, server.url);
  await page.getByTestId("image-input").setInputFiles(file);
  await toSend(page).waitFor();
  await expect.poll(() => naturalWidths(page)).toEqual([60]);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.reload(); // kept with the draft
  await toSend(page).waitFor();
  await page.getByTestId("send").click();
  await answersOn(page).getByText("A grey cat.").waitFor();
  expect(await toSend(page).count()).toBe(0);
  await page.reload();
  await answersOn(page).getByText("A grey cat.").waitFor();
  await expect.poll(() => naturalWidths(page)).toEqual([60]);
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(model.requests).toHaveLength(1);
  await page.close();
});

test("[IMG7] images are pasted and dropped, each can be taken back, and what is refused is told", async () => {
  await using server = await startServer();
  const page = await openPage(browser, server.url);
  await page.getByTestId("add-images").waitFor();
  await give(page, "paste", { name: "pasted.png", bytes: png });
  await expect.poll(() => toSend(page).count()).toBe(1);
  await give(page, "drop", { name: "dropped.png", bytes: pngImage({ shade: 3 }) });
  await expect.poll(() => toSend(page).count()).toBe(2);
  await page.getByLabel("Remove the image, 60 × 40").click();
  expect(await toSend(page).count()).toBe(1);
  await give(page, "drop", { name: "fake.png", bytes: Buffer.from("no image") });
  await page.getByRole("alert").getByText("fake.png: This is no image of a kind that models take").waitFor();
  await page.getByTestId("composer").fill("Look");
  await page.getByTestId("composer").press("Enter");
  await answersOn(page).getByText("That is an image: image/png, 2 × 2 pixels").waitFor();
  await page.close();
});

test("[IMG7] [IMG4] [DOOR5] with a token images are shown too; without a model that takes them none can be added", async () => {
  const token = "a-long-enough-token-for-tests";
  await using model = await startScriptedModel(says("Hello"));
  await using seeing = await startServer({ config: { llm: { provider: "offline" }, api: { token } } });
  const page = await openPage(browser, seeing.url, `#token=${token}`);
  await page.getByTestId("image-input").setInputFiles(file);
  await expect.poll(() => naturalWidths(page)).toEqual([60]);
  await page.close();
  await using blind = await startServer({ config: { llm: model.llm } });
  const other = await openPage(browser, blind.url);
  await other.getByTestId("composer").fill("Hi");
  await other.getByTestId("composer").press("Enter");
  await answersOn(other).getByText("Hello").waitFor();
  expect(await other.getByTestId("add-images").count()).toBe(0);
  await other.close();
});
