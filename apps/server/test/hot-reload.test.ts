import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { editWorkspace, type Saving } from "./support/edited-workspace.ts";
import { connectRaw } from "./support/raw-client.ts";
import { type ChatRequest, says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";

const AGENT = "agents/pickle/AGENT.md";
const agentText = (prompt: string, front = "name: Pickle\nallow_skills: true") => `---\n${front}\n---\n${prompt}\n`;
const skillText = (description: string) => `---\nname: Greeting\ndescription: ${description}\n---\nGreet.\n`;
const systemPrompt = (request: ChatRequest | undefined) => request?.messages[0]?.content;

describe("an edit", () => {
  test.each<Saving>(["in place", "by rename", "after removing"])(
    "[WSP7] of agent, skill or configuration, saved %s, is what the next run uses, without a restart (P23)",
    async (saving) => {
      await using model = await startScriptedModel(says("ok"));
      await using server = await startServer({ config: { llm: model.llm } });
      await using client = await connectRaw(server.url);
      const workspace = editWorkspace(server);
      const ask = async (): Promise<ChatRequest | undefined> => {
        client.send({ source: "test", content: "Hi" });
        expect(await client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
        return model.requests.at(-1);
      };
      await workspace.use(() => workspace.write(AGENT, agentText("You are edited."), saving));
      expect(systemPrompt(await ask())).toMatch(/^You are edited\./);
      await workspace.use(() => workspace.write("skills/greeting/SKILL.md", skillText("Says hello."), saving));
      expect(systemPrompt(await ask())).toMatch(/- greeting: Says hello\./);
      await workspace.use(() => workspace.write("skills/greeting/SKILL.md", skillText("Says bye."), saving));
      expect(systemPrompt(await ask())).toMatch(/- greeting: Says bye\./);
      await workspace.use(() => workspace.write("agents/pickle/SOUL.md", "Very kind.", saving));
      expect(systemPrompt(await ask())).toMatch(/## Personality\n\nVery kind\./);
      const config = JSON.stringify({ llm: { ...model.llm, model: "another" } });
      await workspace.use(() => workspace.write("config.user.yaml", config, saving));
      expect((await ask())?.model).toBe("another");
      await workspace.use(() => workspace.write("config.runtime.yaml", "llm: { model: third }\n", saving));
      expect((await ask())?.model).toBe("third");
      expect(await workspace.info()).toMatchObject({ llm: { mode: "online", model: "third" } });
      const log = readFileSync(join(server.workspaceDir, ".logs/my-bot.log"), "utf8");
      expect(log.match(/the edited workspace is in use/g)).toHaveLength(6);
      expect(server.stderr).toEqual([]);
    },
    120_000,
  );
});
