import { expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { editWorkspace } from "../support/edited-workspace.ts";
import { accessibilityFaults } from "../support/page.ts";
import { startServer } from "../support/server-process.ts";

test("[WEB8] an MCP server that is not there is named with the reason, until it is mended", async () => {
  const llm = { provider: "offline" };
  const config = { llm, mcp: { servers: { broken: { command: "no-such-program" } } } };
  await using server = await startServer({ config });
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(server.url);
  const problem = page.getByTestId("mcp-problem");
  await problem.getByText(`there is no program "no-such-program"; check command`).waitFor();
  expect(await problem.textContent()).toMatch(/^MCP server broken:/);
  expect(await accessibilityFaults(page)).toEqual([]);
  const workspace = editWorkspace(server);
  await workspace.use(() => workspace.writeConfig({ llm }));
  await problem.waitFor({ state: "detached", timeout: 30_000 });
}, 90_000);
