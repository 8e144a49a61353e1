import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createWorkspace } from "../../src/workspace/create-workspace.ts";
import { asAgents, dispatches } from "../support/dispatching-model.ts";
import { connectRaw } from "../support/raw-client.ts";
import { type ModelReply, type ModelScript, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../workspace-folder.ts";

const TEMPLATE = join(import.meta.dirname, "../../../../default_workspace");
const FILE = "memories/topics/cats.md";
const TEXT = "# Cats\n\n- The user's cat is called Miso.\n";

/** Gives everything that it is told to the keeper of memories. */
const asksCookie: ModelScript = (reply, request) => {
  const asked = request.messages.findLast(({ role }) => role === "user")?.content ?? "";
  return dispatches("cookie", asked)(reply, request);
};

/** As its AGENT.md says: it looks what is there, then reads or writes the file that fits. */
const keepsMemories: ModelScript = (reply, { messages }) => {
  const task = messages.find(({ role }) => role === "user")?.content ?? "";
  const results = messages.filter(({ role }) => role === "tool").map(({ content }) => content);
  const [listing = "", result] = results;
  if (results.length === 0) return call(reply, "read", { path: "memories/topics" });
  if (task.startsWith("Remember")) {
    if (result === undefined) return call(reply, "write", { path: FILE, content: TEXT });
    return say(reply, `Kept in ${FILE}.`);
  }
  const file = listing.split("\n").find((name) => name.endsWith(".md"));
  if (file === undefined) return say(reply, "Nothing is written down.");
  return result === undefined ? call(reply, "read", { path: `memories/topics/${file}` }) : say(reply, result);
};

function call(reply: ModelReply, name: string, args: object): void {
  reply.toolCall(0, "call_a", name, args);
  reply.finish("tool_calls");
}

function say(reply: ModelReply, text: string): void {
  reply.text(text);
  reply.finish("stop");
}

test("[MEM2] what one conversation tells is recalled in another one, after a restart too", async () => {
  await using model = await startScriptedModel(asAgents({ Pickle: asksCookie, Cookie: keepsMemories }));
  const rules = [{ match: "memories/", approval: "allow" }]; // as memories/README.md recommends
  await using server = await startServer({ config: { llm: model.llm, tools: { write: { rules } } } });
  const ask = async (source: string, content: string): Promise<unknown> => {
    await using client = await connectRaw(server.url, `?source=${source}`);
    client.send({ source, content });
    return (await client.next("OutboundEvent")).content;
  };
  expect(await ask("first", "What is my cat called?")).toBe("Nothing is written down.");
  expect(await ask("first", "Remember: my cat is called Miso.")).toBe(`Kept in ${FILE}.`);
  expect(readFileSync(join(server.workspaceDir, FILE), "utf8")).toBe(TEXT);
  await server.stop();
  await server.start();
  expect(await ask("second", "What is my cat called?")).toBe(TEXT);
});

test("[MEM1] [WSP5] a new workspace has the folders of memories, what belongs where, and no one's memories", async () => {
  await using folder = await temporaryFolder({});
  const dir = join(folder.path, "new");
  await createWorkspace(dir, TEMPLATE);
  const entries = await readdir(join(dir, "memories"), { recursive: true });
  expect(entries.sort()).toEqual(["README.md", "daily-notes", "projects", "topics"]);
  const readme = readFileSync(join(dir, "memories/README.md"), "utf8");
  const prompt = readFileSync(join(dir, "agents/cookie/AGENT.md"), "utf8");
  for (const name of ["topics/", "projects/", "daily-notes/"]) {
    expect(readme).toContain(`\`${name}\``);
    expect(prompt).toContain(`memories/${name}`);
  }
});
