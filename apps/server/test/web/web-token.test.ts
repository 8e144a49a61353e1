import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { accessibilityFaults } from "../support/page.ts";
import { startServer } from "../support/server-process.ts";

const TOKEN = "a-long-enough-token-for-tests";

/** How many sockets the page has opened, and how many of them are open. */
function countSockets(page: Page): { opened: number; open: number } {
  const count = { opened: 0, open: 0 };
  page.on("websocket", (socket) => {
    count.opened += 1;
    count.open += 1;
    socket.on("close", () => {
      count.open -= 1;
    });
  });
  return count;
}

test("[WEB11] [WEB5] [DOOR5] the page asks for the token, tries a refused one no further, and keeps it for its tab", async () => {
  await using server = await startServer({ config: { llm: { provider: "offline" }, api: { token: TOKEN } } });
  await using browser = await launchBrowser();
  const context = await browser.newContext();
  const page = await context.newPage();
  const sockets = countSockets(page);
  const live = page.getByTestId("connection").and(page.locator('[data-state="live"]'));
  const enter = async (token: string): Promise<void> => {
    await page.getByTestId("token").fill(token);
    await page.keyboard.press("Enter");
  };
  await page.goto(server.url);
  await page.getByTestId("token").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await expect.poll(() => sockets, { timeout: 5000 }).toEqual({ opened: 1, open: 0 });
  for (const opened of [2, 3]) {
    await enter("wrong"); // the same one is tried again when it is asked for again
    await page.getByText("That token was not accepted.").waitFor();
    await expect.poll(() => sockets, { timeout: 5000 }).toEqual({ opened, open: 0 });
  }
  await enter(TOKEN);
  await live.waitFor();
  await page.reload();
  await live.waitFor();

  const other = await context.newPage();
  await other.goto(server.url);
  await other.getByTestId("token").waitFor();
  await other.goto(`${server.url}/#token=${TOKEN}`);
  await other.reload(); // a new fragment alone loads nothing
  await other.getByTestId("connection").and(other.locator('[data-state="live"]')).waitFor();
  expect(new URL(other.url()).hash).toBe("");
}, 60_000);
