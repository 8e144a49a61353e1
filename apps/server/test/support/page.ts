import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Locator, Page } from "playwright-core";

/** The chat page, connected; `hash` such as `#s=<session id>` chooses a conversation. */
export async function openPage(browser: Browser, url: string, hash = ""): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(15_000);
  await page.goto(`${url}/${hash}`);
  await page.getByTestId("connection").and(page.locator('[data-state="live"]')).waitFor();
  return page;
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("composer").fill(text);
  await page.getByTestId("composer").press("Enter");
}

export function answersOn(page: Page): Locator {
  return page.locator('[data-testid="message"][data-role="assistant"]');
}

/** What axe finds on the page as it is. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze(); // the pages share one context
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
