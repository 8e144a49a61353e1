import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { editWorkspace } from "../support/edited-workspace.ts";
import { accessibilityFaults, answersOn, openPage, say } from "../support/page.ts";
import { connectRaw } from "../support/raw-client.ts";
import { startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const questions = (page: Page) => page.locator('[data-testid="message"][data-role="user"]');

test("[WEB1] a message typed in the page is answered, and the text is there before the model has finished", async () => {
  const finish = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    reply.text("The first **half**");
    await finish.promise;
    reply.text(" and the rest.");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  const page = await openPage(browser, server.url);
  await say(page, "Hello, Pickle!");
  await answersOn(page).getByText("The first half").waitFor();
  expect(await answersOn(page).locator("strong, [data-streamdown=strong]").innerText()).toBe("half");
  finish.resolve();
  await answersOn(page).getByText("The first half and the rest.").waitFor();
  expect(await questions(page).count()).toBe(1);
  await page.close();
});

test("[WEB1] [RPC4] a message that waits says so, and can be cancelled while the answer before it goes on (P19)", async () => {
  const finish = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    reply.text("One moment.");
    await finish.promise;
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  const page = await openPage(browser, server.url);
  await say(page, "first");
  await answersOn(page).getByText("One moment.").waitFor();
  await say(page, "second");
  const second = questions(page).filter({ hasText: "second" });
  await second.getByText("queued").waitFor();
  expect(await page.getByTestId("cancel").count()).toBe(1); // the running one is stopped beside the composer
  await page.getByTestId("cancel").click();
  await answersOn(page).getByText("Stopped.").waitFor();
  expect(await page.getByTestId("cancel").count()).toBe(0);
  expect(await answersOn(page).first().getAttribute("data-state")).toBe("running");
  finish.resolve();
  await page.locator('[data-role="assistant"][data-state="completed"]').getByText("One moment.").waitFor();
  expect(model.requests.length).toBe(1); // nobody asked the model about the second one
  await page.close();
});

test("[WEB2] reload and a killed server neither lose nor double a message, and the page comes back by itself", async () => {
  await using server = await startServer();
  const page = await openPage(browser, server.url);
  await page.getByTestId("offline-badge").waitFor();
  await say(page, "one");
  await page.locator('[data-role="assistant"][data-state="completed"]').waitFor();
  await server.stop("SIGKILL");
  await page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor();
  await say(page, "two"); // while nobody listens
  await page.reload({ waitUntil: "commit" }).catch(() => undefined); // the page itself cannot be loaded now
  await server.start();
  await page.goto(server.url);
  await page.getByTestId("session").first().click();
  await expect.poll(() => answersOn(page).count(), { timeout: 15_000 }).toBe(2);
  await page.locator('[data-role="assistant"]:not([data-state="completed"])').waitFor({ state: "detached" });
  await page.reload();
  await expect.poll(() => answersOn(page).count(), { timeout: 15_000 }).toBe(2);
  expect(await questions(page).allInnerTexts()).toEqual([expect.stringMatching(/^one/), expect.stringMatching(/^two/)]);
  await page.close();
});

test("[WEB3] conversations stand side by side, and one from wscat can be opened and continued", async () => {
  await using server = await startServer();
  await using raw = await connectRaw(server.url);
  raw.send({ source: "terminal", content: "Hi from the terminal" });
  const { session_id } = await raw.next("OutboundEvent");
  const page = await openPage(browser, server.url);
  await page.getByTestId("session").filter({ hasText: "Hi from the terminal" }).click();
  await questions(page).getByText("Hi from the terminal").waitFor();
  await say(page, "And from the page");
  expect(await raw.next("InboundEvent")).toMatchObject({ session_id, source: "platform-ws:web" });
  await page.getByTestId("new-session").click();
  await page.getByTestId("starter").first().waitFor();
  await say(page, "A new one");
  await expect.poll(() => page.getByTestId("session").count()).toBe(2);
  await page.close();
});

test("[WEB8] [WSP8] a fault in an edit is shown until it is mended, and so is what an edit changed", async () => {
  await using server = await startServer();
  const workspace = editWorkspace(server);
  const page = await openPage(browser, server.url);
  await page.getByTestId("offline-badge").waitFor();
  const banner = page.getByTestId("workspace-problem");
  expect(await banner.count()).toBe(0);
  workspace.write("config.user.yaml", "llm: {}\nlmm: {}\n");
  await banner.getByText("config.user.yaml:2: lmm: is not a known key").waitFor({ timeout: 30_000 });
  expect(await accessibilityFaults(page)).toEqual([]);
  workspace.writeConfig({ llm: { provider: "openai", model: "a-new-model", api_key: "sk-test-1234567890" } });
  await banner.waitFor({ state: "detached", timeout: 30_000 });
  await page.getByTestId("offline-badge").waitFor({ state: "detached" });
  await page.getByText("a-new-model").waitFor();
  await page.close();
}, 90_000);

test("[WEB4] what a model writes is text, never code: no script runs, no image is fetched", async () => {
  await using model = await startScriptedModel((reply) => {
    reply.text(
      "<script>globalThis.hacked = 1</script><img src=x onerror='globalThis.hacked = 1'>",
      "\n\n[link](javascript:globalThis.hacked=1)\n\n![pixel](http://127.0.0.1:9/pixel.png)\n\nthe end",
    );
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  const page = await openPage(browser, server.url);
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  await say(page, "Do it");
  await answersOn(page).getByText("the end").waitFor();
  for (const link of await answersOn(page).getByText("link", { exact: true }).all())
    await link.click({ timeout: 1000 }).catch(() => undefined);
  expect(await page.evaluate(() => "hacked" in globalThis)).toBe(false);
  expect(fetched.filter((url) => !url.startsWith(server.url))).toEqual([]);
  await page.close();
});

test("[DOOR2] a page of another origin cannot open a socket", async () => {
  await using server = await startServer();
  const stranger = createServer((_request, response) => response.end("<!doctype html><title>stranger</title>"));
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`);
  for (const path of ["/ws", "/trpc"]) {
    const outcome = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve("open");
          socket.onerror = () => resolve("refused");
        }),
      `${server.url.replace("http", "ws")}${path}`,
    );
    expect(outcome).toBe("refused");
  }
  await page.close();
  stranger.close();
});

test("[WEB5] the page has no accessibility fault that axe finds, wide and narrow", async () => {
  await using server = await startServer();
  const page = await openPage(browser, server.url);
  await say(page, "Hello");
  await page.locator('[data-role="assistant"][data-state="completed"]').waitFor();
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(viewport);
    expect(await accessibilityFaults(page)).toEqual([]);
  }
  await page.close();
});

test("[WEB5] what scrolls can be reached by keyboard, and what does not is passed over", async () => {
  await using server = await startServer();
  const page = await openPage(browser, server.url);
  await say(page, "Hello");
  await page.locator('[data-role="assistant"][data-state="completed"]').waitFor();
  const tabIndex = (height: number) => async (): Promise<string | null> => {
    await page.setViewportSize({ width: 1280, height });
    return page.getByRole("region", { name: "Messages" }).getAttribute("tabindex");
  };
  await expect.poll(tabIndex(1600)).toBeNull();
  await expect.poll(tabIndex(300)).toBe("0");
  await page.close();
});

test("[WEB5] on a narrow screen the list of conversations closes by Escape and by what is beside it", async () => {
  await using server = await startServer();
  const page = await openPage(browser, server.url);
  await page.setViewportSize({ width: 390, height: 844 });
  const list = page.getByRole("dialog", { name: "Conversations" });
  for (const close of [() => page.keyboard.press("Escape"), () => page.mouse.click(380, 400)]) {
    await page.getByTestId("menu").click();
    await list.waitFor({ state: "visible" });
    expect(await accessibilityFaults(page)).toEqual([]);
    await close();
    await list.waitFor({ state: "hidden" });
  }
  await page.close();
});
