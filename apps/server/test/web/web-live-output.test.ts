import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { answersOn, openPage, say } from "../support/page.ts";
import { callsTool, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

test("[TOOL14] [WEB1] the page shows what a command prints while it runs, also after a reload", async () => {
  const command = "echo fetching; until [ -e go ]; do sleep 0.05; done; echo 3 sardines";
  await using model = await startScriptedModel(callsTool("bash", { command }), says("Fish it is."));
  await using server = await startServer({ config: { llm: model.llm, tools: { bash: { approval: "allow" } } } });
  const browser = await launchBrowser();
  try {
    const page = await openPage(browser, server.url);
    await say(page, "What is for dinner?");
    const tool = page.getByTestId("tool");
    await tool.locator("summary").getByText("fetching", { exact: true }).waitFor();
    await tool.locator("summary").click();
    await tool.getByText("Output so far").waitFor();
    await page.reload();
    await tool.locator("summary").getByText("fetching", { exact: true }).waitFor();
    writeFileSync(join(server.workspaceDir, "go"), "");
    await answersOn(page).getByText("Fish it is.").waitFor();
    await tool.locator("summary").click();
    await tool.getByText("fetching 3 sardines").waitFor();
    expect(await tool.getByText("Output so far").count()).toBe(0);
  } finally {
    await browser.close();
  }
});
