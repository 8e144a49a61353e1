import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { accessibilityFaults, answersOn, openPage, say } from "../support/page.ts";
import { connectRaw } from "../support/raw-client.ts";
import { callsTool, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

const bash = callsTool("bash", { command: "echo sardines" });

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("[WEB9] [APR3] asked in the page, answered by a raw client: every page shows it, and that it is settled", async () => {
  await using model = await startScriptedModel(bash, says("Fish it is."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using raw = await connectRaw(server.url, "?events=all");
  const page = await openPage(browser, server.url);
  await say(page, "What is for dinner?");
  const card = page.getByTestId("approval");
  await card.getByText("echo sardines").waitFor();
  await card.getByText("PATH").waitFor(); // the preview
  const second = await openPage(browser, server.url, new URL(page.url()).hash);
  await second.getByTestId("approval").waitFor();
  const { approval_id } = await raw.next("ApprovalRequestedEvent");
  raw.send({ type: "approve", approval_id, decision: "allow", source: "phone" });
  for (const each of [page, second]) {
    await answersOn(each).getByText("Fish it is.").waitFor();
    await each.getByText("Allowed once by phone").waitFor();
    expect(await each.getByTestId("approval").count()).toBe(0);
    await each.close();
  }
});

test("[WEB9] [WEB5] asked by a raw client, answered in the page with the keyboard, after a reload and a kill -9", async () => {
  await using model = await startScriptedModel(bash, bash, says("Fish."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using before = await connectRaw(server.url, "?events=all");
  before.send({ source: "test", content: "What is for dinner?" });
  const { session_id } = await before.next("ApprovalRequestedEvent");
  const page = await openPage(browser, server.url, `#s=${session_id}`);
  const card = page.getByTestId("approval");
  await card.waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await server.stop("SIGKILL");
  await server.start();
  await page.reload();
  await card.waitFor();
  await using raw = await connectRaw(server.url, "?events=all");
  await card.getByRole("button", { name: "Allow for this session" }).focus();
  await page.keyboard.press("Enter");
  const resolved = await raw.next("ApprovalResolvedEvent");
  expect(resolved).toMatchObject({ decision: "allow", scope: "session", by: "platform-ws:web" });
  await answersOn(page).getByText("Fish.").waitFor(); // the second call asks no more
  await page.getByText("Allowed for this session by you").waitFor();
  expect(await card.count()).toBe(0);
  await page.close();
});

test("[WEB9] what waits in another conversation is told, with a link to it, until it is answered", async () => {
  await using model = await startScriptedModel(bash, says("Fish."));
  await using server = await startServer({ config: { llm: model.llm } });
  const page = await openPage(browser, server.url);
  const banner = page.getByTestId("approval-elsewhere");
  await using raw = await connectRaw(server.url, "?events=all");
  raw.send({ source: "test", content: "What is for dinner?" });
  const { approval_id } = await raw.next("ApprovalRequestedEvent");
  await banner.getByRole("link", { name: "bash" }).click();
  await page.getByTestId("approval").waitFor();
  await banner.waitFor({ state: "detached" }); // it is before one's eyes
  await page.goto(`${server.url}/#`);
  await banner.waitFor();
  raw.send({ type: "approve", approval_id, decision: "deny" });
  await banner.waitFor({ state: "detached" });
  await page.close();
});

test("[WEB9] a denial in the page, and a stop, settle the card", async () => {
  await using model = await startScriptedModel(bash, says("As you wish."), bash);
  await using server = await startServer({ config: { llm: model.llm } });
  const page = await openPage(browser, server.url);
  await say(page, "Do it");
  await page.getByTestId("approval").getByRole("button", { name: "Deny" }).click();
  await answersOn(page).getByText("As you wish.").waitFor();
  await page.getByText("Denied by you").waitFor();
  await say(page, "Do it");
  await page.getByTestId("approval").waitFor();
  await page.getByTestId("stop").click();
  await page.getByText("Not answered: the run was stopped").waitFor();
  expect(await page.getByTestId("approval").count()).toBe(0);
  await page.close();
});
