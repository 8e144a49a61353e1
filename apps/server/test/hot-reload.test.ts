import { readFileSync, utimesSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { editWorkspace, type Saving } from "./support/edited-workspace.ts";
import { connectRaw } from "./support/raw-client.ts";
import { type ChatRequest, says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";

const AGENT = "agents/pickle/AGENT.md";
const SKILL = "skills/greeting/SKILL.md";
const agentText = (prompt: string, front = "name: Pickle\nallow_skills: true") => `---\n${front}\n---\n${prompt}\n`;
const skillText = (description: string) => `---\nname: Greeting\ndescription: ${description}\n---\nGreet.\n`;
const systemPrompt = (request: ChatRequest | undefined) => request?.messages[0]?.content;

/** A server before a scripted model, and a client that asks it one question after the other. */
async function startAsking(...scripts: Parameters<typeof startScriptedModel>) {
  const model = await startScriptedModel(...scripts);
  const server = await startServer({ config: { llm: model.llm } });
  const client = await connectRaw(server.url, "?events=all");
  return {
    model,
    server,
    client,
    workspace: editWorkspace(server),
    log: () => readFileSync(`${server.workspaceDir}/.logs/my-bot.log`, "utf8"),
    /** The model's request that answers a message. */
    ask: async (): Promise<ChatRequest | undefined> => {
      client.send({ source: "test", content: "Hi" });
      expect(await client.next("OutboundEvent")).toMatchObject({ error: null });
      return model.requests.at(-1);
    },
    [Symbol.asyncDispose]: async () => {
      for (const part of [client, server, model]) await part[Symbol.asyncDispose]();
    },
  };
}

describe("an edit", () => {
  test.each<Saving>(["in place", "by rename", "after removing"])(
    "[WSP7] of agent, skill or configuration, saved %s, is what the next run uses, without a restart (P23)",
    async (saving) => {
      await using asking = await startAsking(says("ok"));
      const { workspace, ask, model, server } = asking;
      await workspace.use(() => workspace.write(AGENT, agentText("You are edited."), saving));
      expect(systemPrompt(await ask())).toMatch(/^You are edited\./);
      await workspace.use(() => workspace.write(SKILL, skillText("Says hello."), saving));
      expect(systemPrompt(await ask())).toMatch(/- greeting: Says hello\./);
      await workspace.use(() => workspace.write(SKILL, skillText("Says bye."), saving));
      expect(systemPrompt(await ask())).toMatch(/- greeting: Says bye\./);
      await workspace.use(() => workspace.write("agents/pickle/SOUL.md", "Very kind.", saving));
      expect(systemPrompt(await ask())).toMatch(/## Personality\n\nVery kind\./);
      const config = JSON.stringify({ llm: { ...model.llm, model: "another" } });
      await workspace.use(() => workspace.write("config.user.yaml", config, saving));
      expect((await ask())?.model).toBe("another");
      await workspace.use(() => workspace.write("config.runtime.yaml", "llm: { model: third }\n", saving));
      expect((await ask())?.model).toBe("third");
      await workspace.use(() => workspace.remove("skills/greeting"));
      expect(systemPrompt(await ask())).not.toMatch(/greeting/);
      expect(await workspace.info()).toMatchObject({ llm: { mode: "online", model: "third" } });
      expect(asking.log().match(/the edited workspace is in use/g)).toHaveLength(7);
      expect(server.stderr).toEqual([]);
    },
    120_000,
  );

  test("[WSP7] a run goes on as it began, the next one is new (P23)", async () => {
    const edited = Promise.withResolvers<void>();
    await using asking = await startAsking(async (reply) => {
      await edited.promise;
      reply.toolCall(0, "call_a", "read", { path: "notes.md" });
      reply.finish("tool_calls");
    }, says("ok"));
    const { workspace, client, model, ask } = asking;
    client.send({ source: "test", content: "Look it up" });
    await expect.poll(() => model.requests.length).toBe(1);
    const config = { llm: { ...model.llm, model: "another" } };
    await workspace.use(() => workspace.writeConfig(config));
    await workspace.use(() => workspace.write(AGENT, agentText("You are edited.")));
    edited.resolve();
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
    expect(model.requests.map((request) => request.model)).toEqual(["scripted", "scripted"]);
    expect(systemPrompt(model.requests[1])).toBe(systemPrompt(model.requests[0]));
    expect(await ask()).toMatchObject({ model: "another" });
    expect(systemPrompt(model.requests[2])).toMatch(/^You are edited/);
  });

  test("[WSP7] [CFG2] a first configuration brings a server without one online", async () => {
    await using model = await startScriptedModel(says("A real brain."));
    await using server = await startServer();
    await using client = await connectRaw(server.url);
    const workspace = editWorkspace(server);
    expect(await workspace.info()).toMatchObject({ llm: { mode: "offline" } });
    await workspace.use(() => workspace.writeConfig({ llm: model.llm }));
    expect(await workspace.info()).toMatchObject({ llm: { mode: "online", model: "scripted" } });
    client.send({ source: "test", content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "A real brain.", error: null });
  });

  test("[WSP7] [RPC7] new agents, the default one and bindings are those of the next message; folders may move", async () => {
    await using asking = await startAsking(says("ok"));
    const { workspace, client, model, ask } = asking;
    await ask(); // a session stays with its agent
    await workspace.use(() => workspace.write("agents/rex/AGENT.md", agentText("You are Rex.", "name: Rex")));
    await workspace.use(() => workspace.writeConfig({ llm: model.llm, default_agent: "rex" }));
    expect(await workspace.info()).toMatchObject({ default_agent: "rex" });
    expect((await workspace.listAgents()).find(({ is_default }) => is_default)?.agent_id).toBe("rex");
    expect(systemPrompt(await ask())).toMatch(/^You are Pickle/);
    client.send({ source: "another", content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ source: "agent:rex" });
    const routing = { bindings: [{ agent: "cookie", value: "platform-ws:third" }] };
    await workspace.use(() => workspace.writeConfig({ llm: model.llm, default_agent: "rex", routing }));
    client.send({ source: "third", content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ source: "agent:cookie" });

    workspace.write("people/bots/max/AGENT.md", agentText("You are Max.", "name: Max"));
    const moved = { llm: model.llm, default_agent: "max", agents_path: "people/bots" };
    await workspace.use(() => workspace.writeConfig(moved));
    await workspace.use(() => workspace.write("people/bots/max/AGENT.md", agentText("You are new.", "name: Max")));
    client.send({ source: "fourth", content: "Hi" });
    expect(await client.next("OutboundEvent")).toMatchObject({ source: "agent:max" });
    expect(systemPrompt(model.requests.at(-1))).toMatch(/^You are new\.\n\n## Runtime\n/);
  });

  test("[WSP7] a file that was saved without a change is no edit", async () => {
    await using asking = await startAsking(says("ok"));
    const { workspace } = asking;
    const { loaded_at } = (await workspace.info()).workspace;
    for (const name of [AGENT, "config.user.yaml"]) {
      const text = readFileSync(workspace.path(name));
      workspace.write(name, text, "by rename");
      utimesSync(workspace.path(name), 1, 1);
    }
    await workspace.use(() => workspace.write(SKILL, skillText("Says hello."))); // what came before was seen as well
    expect((await workspace.info()).workspace.loaded_at).toBeGreaterThan(loaded_at);
    expect(asking.log().match(/the edited workspace is in use/g)).toHaveLength(1);
  });

  test("[WSP9] what is bound at the start is told to take effect after a restart, and limits of a message hold at once", async () => {
    await using asking = await startAsking(says("ok"));
    const { workspace, model, server, client, ask } = asking;
    const api = { port: 1, limits: { content_bytes: 10, connections: 1 } };
    const config = { llm: { ...model.llm, model: "another" }, api, event_path: "elsewhere", logging_path: "elsewhere" };
    await workspace.use(() => workspace.writeConfig(config));
    expect((await ask())?.model).toBe("another");
    expect(server.stderr.map((line) => /^warning: config\.user\.yaml: (\S+): .*restart$/.exec(line)?.[1])).toEqual([
      "event_path",
      "logging_path",
      "api.port",
      "api.limits.connections",
    ]);
    expect(await workspace.info()).toMatchObject({ limits: { content_bytes: 10 }, workspace: { problem: null } });
    client.send({ source: "test", content: "more than ten bytes" });
    expect(await client.next("error")).toMatchObject({ message: expect.stringMatching(/limit is 10/) });
    await using second = await connectRaw(server.url);
    second.send({ source: "test", content: "Hi" });
    expect(await second.next("OutboundEvent")).toMatchObject({ error: null });
  });
});

describe("agents with open runs", () => {
  test("[WSP10] of a removed agent the running run goes on; the waiting one and later ones fail and name it", async () => {
    const removed = Promise.withResolvers<void>();
    await using asking = await startAsking(async (reply) => {
      await removed.promise;
      reply.text("still here");
      reply.finish("stop");
    });
    const { workspace, client, model, server } = asking;
    const say = (content: string) => client.send({ source: "test", content, agent_id: "cookie" });
    say("first");
    say("second");
    await expect.poll(() => model.requests.length).toBe(1);
    await workspace.use(() => workspace.remove("agents/cookie"));
    say("third");
    expect(await client.next("error")).toMatchObject({ message: 'Unknown agent "cookie"; known: pickle' });
    client.send({ source: "test", content: "fourth" }); // the session is cookie's
    removed.resolve();
    expect(await client.next("OutboundEvent")).toMatchObject({ content: "still here", error: null });
    const gone = { content: "", error: 'Agent "cookie" is no longer in the workspace' };
    expect(await client.next("OutboundEvent")).toMatchObject(gone);
    expect(await client.next("OutboundEvent")).toMatchObject(gone);
    expect(model.requests).toHaveLength(1);
    expect(server.stderr).toEqual([]);
  });

  test("[WSP10] [RUN1] a raised max_concurrency starts runs that wait, a lowered one starts fewer", async () => {
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    let begun = 0;
    await using asking = await startAsking(async (reply) => {
      await gates[begun++]?.promise;
      reply.text("ok");
      reply.finish("stop");
    });
    const { workspace, client, model } = asking;
    const allow = (runs: number) => agentText("You are Pickle.", `name: Pickle\nmax_concurrency: ${runs}`);
    await workspace.use(() => workspace.write(AGENT, allow(1)));
    for (let i = 0; i < 4; i++) client.send({ source: `test-${i}`, content: "Hi" });
    await expect.poll(() => model.requests.length).toBe(1);
    await workspace.use(() => workspace.write(AGENT, allow(3)));
    await expect.poll(() => model.requests.length).toBe(3);
    await workspace.use(() => workspace.write(AGENT, allow(1)));
    gates[0]?.resolve();
    await client.next("OutboundEvent");
    await workspace.use(() => workspace.write(SKILL, skillText("Time passes.")));
    expect(model.requests).toHaveLength(3); // two still run
    for (const gate of gates) gate.resolve();
    for (let i = 0; i < 3; i++) expect(await client.next("OutboundEvent")).toMatchObject({ content: "ok" });
  });
});
