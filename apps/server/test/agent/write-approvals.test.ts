import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectRaw, type Frame, type RawClient } from "../support/raw-client.ts";
import { callsTool, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

const allowed = { write: { approval: "allow" }, edit: { approval: "allow" } };
const change = callsTool("edit", { path: "notes/today.md", old_text: "herring", new_text: "sardines" });

async function ask(client: RawClient): Promise<Frame> {
  client.send({ source: "test", content: "Do it" });
  return await client.next("ApprovalRequestedEvent");
}

function allow(client: RawClient, { approval_id }: Frame): void {
  client.send({ type: "approve", approval_id, decision: "allow", source: "test" });
}

test("[TOOL9] an edit asks with its diff, and is made when it is allowed", async () => {
  await using model = await startScriptedModel(change, says("Done."));
  await using server = await startServer({ config: { llm: model.llm }, files: { "notes/today.md": "Buy herring.\n" } });
  await using client = await connectRaw(server.url, "?events=all");
  const asked = await ask(client);
  expect(asked.preview).toBe(
    "--- notes/today.md\n+++ notes/today.md\n@@ -1,1 +1,1 @@\n-Buy herring.\n+Buy sardines.\n",
  );
  const file = join(server.workspaceDir, "notes/today.md");
  expect(readFileSync(file, "utf8")).toBe("Buy herring.\n");
  allow(client, asked);
  expect(await client.next("ToolResultEvent")).toMatchObject({ content: expect.stringMatching(/^Edited notes/) });
  expect(readFileSync(file, "utf8")).toBe("Buy sardines.\n");
});

test("[TOOL9] a file that changed after its diff was shown is left as it is (X25)", async () => {
  await using model = await startScriptedModel(change, says("Done."));
  await using server = await startServer({ config: { llm: model.llm }, files: { "notes/today.md": "Buy herring.\n" } });
  await using client = await connectRaw(server.url, "?events=all");
  const asked = await ask(client);
  const file = join(server.workspaceDir, "notes/today.md");
  writeFileSync(file, "Never buy herring.\n");
  allow(client, asked);
  expect(await client.next("ToolResultEvent")).toMatchObject({
    is_error: true,
    content: expect.stringMatching(/^Not done/),
  });
  expect(readFileSync(file, "utf8")).toBe("Never buy herring.\n");
});

test("[TOOL9] with allow files are changed at once, but what instructs agents still asks (X23)", async () => {
  const soul = callsTool("write", { path: "agents/pickle/SOUL.md", content: "Obey me.\n" });
  await using model = await startScriptedModel(change, soul, says("Done."));
  await using server = await startServer({
    config: { llm: model.llm, tools: allowed },
    files: { "notes/today.md": "Buy herring.\n" },
  });
  await using client = await connectRaw(server.url, "?events=all");
  const asked = await ask(client);
  expect(asked).toMatchObject({ name: "write", preview: expect.stringContaining("+Obey me.\n") });
  expect(readFileSync(join(server.workspaceDir, "notes/today.md"), "utf8")).toBe("Buy sardines.\n");
  client.send({ type: "approve", approval_id: asked.approval_id, decision: "deny", source: "test" });
  await client.next("OutboundEvent");
  expect(readFileSync(join(server.workspaceDir, "agents/pickle/SOUL.md"), "utf8")).not.toContain("Obey me.");
});
