import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { asAgents, bossAndClerk, dispatches } from "../support/dispatching-model.ts";
import { accessibilityFaults, answersOn, openPage, say } from "../support/page.ts";
import { callsTool, type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Asks for a command, and is done when that has its result. */
const needsApproval: ModelScript = (reply, request) => {
  const isTold = request.messages.at(-1)?.role === "tool";
  return (isTold ? says("Sorted.") : callsTool("bash", { command: "echo sorting" }))(reply, request);
};

test("[AGT7] [WEB5] [SES4] what a task asks for is answered where it was given; its line leads to the child, and back; both are deleted together", async () => {
  await using model = await startScriptedModel(
    asAgents({ Boss: dispatches("clerk", "Sort the post"), Clerk: needsApproval }),
  );
  await using server = await startServer({ config: { llm: model.llm, default_agent: "boss" }, files: bossAndClerk });
  const page = await openPage(browser, server.url);
  await say(page, "Is there any post?");
  await page.getByTestId("approval").getByText("echo sorting").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByTestId("approval").getByRole("button", { name: "Allow once" }).click();
  await answersOn(page).getByText("Sorted.").last().waitFor();
  expect(await page.getByTestId("approval").count()).toBe(0);

  const parent = new URL(page.url()).hash;
  await page.getByRole("img", { name: "asked for in Is there any post?" }).waitFor(); // in the list
  await page.getByTestId("tool").locator("summary").click();
  await page.getByTestId("child").click();
  await page.getByTestId("parent").waitFor();
  expect(new URL(page.url()).hash).not.toBe(parent);
  await page.getByText("Allowed once by you").waitFor();
  await page.getByTestId("parent").click();
  await page.waitForURL((url) => url.hash === parent);

  await page.getByRole("button", { name: "Delete Is there any post?" }).click();
  const question = page.getByRole("group", { name: "Delete this conversation and its tasks?" });
  await question.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Nothing here yet.").waitFor();
  await page.close();
});
