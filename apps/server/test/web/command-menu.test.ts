import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { accessibilityFaults } from "../support/page.ts";
import { startServer } from "../support/server-process.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function openPage(url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  await page.getByTestId("connection").and(page.locator('[data-state="live"]')).waitFor();
  return page;
}

const answers = (page: Page) => page.locator('[data-testid="message"][data-role="assistant"]');

test("[WEB10] [CMD1] [WEB5] the menu lists the commands, and the keyboard chooses, completes, sends and closes", async () => {
  await using server = await startServer();
  const page = await openPage(server.url);
  const field = page.getByTestId("composer");
  const menu = page.getByRole("listbox", { name: "Commands" });
  const selected = menu.locator('[aria-selected="true"]');
  await page.getByTestId("offline-badge").waitFor(); // it has asked the server
  await field.fill("/");
  await menu.waitFor();
  expect(await menu.getByRole("option").count()).toBeGreaterThan(10);
  expect(await selected.innerText()).toMatch(/^\/help/);
  expect(await field.getAttribute("aria-activedescendant")).toBe(await selected.getAttribute("id"));
  expect(await accessibilityFaults(page)).toEqual([]);
  await field.press("ArrowUp");
  expect(await selected.innerText()).toMatch(/^\/bindings/);
  await field.press("ArrowDown");
  await field.press("Escape");
  await menu.waitFor({ state: "detached" });
  await field.fill("/sk");
  await field.press("Tab");
  expect(await field.inputValue()).toBe("/skills ");
  await menu.waitFor({ state: "detached" });
  await field.fill("/ag");
  await field.press("Enter");
  expect(await field.inputValue()).toBe("/agent ");
  await field.fill("/he");
  await field.press("Enter");
  await answers(page).getByText("Commands", { exact: true }).waitFor();
  expect(await field.inputValue()).toBe("");
  await field.fill("/");
  await menu.getByRole("option", { name: "/session" }).click();
  await answers(page).getByText("Session", { exact: true }).waitFor();
  expect(await page.locator(":focus").getAttribute("data-testid")).toBe("composer");
  await page.context().close();
});

test("[WEB10] a line tells where what the agent sees begins, also after a reload", async () => {
  await using server = await startServer();
  const page = await openPage(server.url);
  const field = page.getByTestId("composer");
  for (const [index, text] of ["Hello", "/clear", "Hello again"].entries()) {
    await field.fill(text);
    await page.getByTestId("send").click();
    await page.locator('[data-role="assistant"][data-state="completed"]').nth(index).waitFor();
  }
  const line = page.getByTestId("start-line");
  await line.getByText("Cleared: the agent sees what comes after this").waitFor();
  await page.reload();
  await line.waitFor();
  expect(await line.count()).toBe(1);
  await page.context().close();
});
