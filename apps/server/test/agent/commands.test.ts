import { expect, test } from "vitest";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcHttp } from "../support/trpc-client.ts";

const HELP = `**Commands**

- \`/help\`, \`/?\`: lists the commands
- \`/stop\`: stops the answer that is being written, and takes back the messages that wait
- \`/session\`: tells what this session is
- \`/context\`: tells how full the model's context is
- \`/compact\`: puts a summary in the place of the conversation so far, which makes room; the history still shows it
- \`/clear\`: begins the conversation anew in this session; what was said stays in its history
- \`/agent [id]\`: lists the agents, or gives this session to another one
- \`/model [name]\`: tells this session's model, or changes it to another one of the same provider; \`default\` is its agent's
- \`/skills [id]\`: lists the skills, or shows one
- \`/tools\`: lists the tools of this session's agent
- \`/route <regex> <agent>\`: lets an agent answer new sessions of the sources that match
- \`/bindings\`: lists which agent answers whom`;

async function ask(client: RawClient, content: string): Promise<unknown> {
  client.send({ source: "test", content });
  const outbound = await client.next("OutboundEvent");
  expect(outbound).toMatchObject({ error: null });
  return outbound.content;
}

test("[CMD1] commands are answered by the server, in exactly these words, and other words go to the model", async () => {
  await using model = await startScriptedModel(says("I am the model."));
  const files = { "skills/brew/SKILL.md": "---\nname: Brew\ndescription: Makes tea.\n---\nBoil water." };
  await using server = await startServer({ config: { llm: model.llm }, files });
  await using client = await connectRaw(server.url, "?events=all");
  expect(await ask(client, "/help")).toBe(HELP);
  expect(await ask(client, "  /HELP me")).toBe(HELP);
  expect(await ask(client, "/?")).toBe(HELP);
  expect(await ask(client, "/skills brew")).toBe("**Brew** (`brew`): Makes tea.\n\nBoil water.");
  expect(await ask(client, "/skills `x`")).toBe("There is no skill `` `x` ``; `/skills` lists them.");
  expect(await ask(client, "/skills")).toMatch(/^\*\*Skills\*\*\n\n- `brew`: Makes tea\.\n- `explain-my-bot`: /);
  expect(await ask(client, "/tools")).toMatch(/^\*\*Tools\*\*\n\n- `read`: .*\.\n/);
  expect(await ask(client, "/bindings")).toBe("**Bindings**\n\n- anyone else: `pickle`");
  expect(await ask(client, "/session")).toMatch(
    /^\*\*Session\*\*\n\n- id: `[0-9a-f-]{36}`\n- title: \/help\n- source: `platform-ws:test`\n- agent: Pickle \(`pickle`\)\n- model: `scripted`\n- messages: 17\n- tokens: 0 in, 0 out\n- begun: \d{4}-\d\d-\d\dT\S+Z$/,
  );
  expect(model.requests).toHaveLength(0);
  expect(await ask(client, "/frobnicate now")).toBe("I am the model.");
  expect(await ask(client, "help")).toBe("I am the model.");
});

test("[CMD1] [RPC7] commands.list tells the same as /help, in its order", async () => {
  await using server = await startServer();
  const commands = await connectTrpcHttp(server.url).commands.list.query();
  const lines = commands.map(({ name, aliases, arguments: args, description }) => {
    const words = [`/${name}${args && ` ${args}`}`, ...aliases.map((alias) => `/${alias}`)].map(
      (word) => `\`${word}\``,
    );
    return `- ${words.join(", ")}: ${description}`;
  });
  expect(`**Commands**\n\n${lines.join("\n")}`).toBe(HELP);
});

test("[CMD2] a command and its answer are events like any other, and no part of what the model sees", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  await ask(client, "one");
  await ask(client, "/help");
  await ask(client, "two");
  expect(model.requests[1]?.messages.slice(1).map(({ content }) => content)).toEqual(["one", "ok", "two"]);
  const asked = client.frames.find(({ content }) => content === "/help");
  const run = client.frames.filter(({ run_id }) => run_id === asked?.run_id);
  const types = run.map(({ type }) => type);
  expect(types.slice(-3)).toEqual(["RunStartedEvent", "OutboundEvent", "RunEndedEvent"]);
  expect(run.find(({ type }) => type === "RunStartedEvent")).toMatchObject({ command: "help" });
});

test("[CMD3] [bug contract-4.3] /clear is a durable event of the same session, and the model begins anew", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  await ask(client, "my secret is 42");
  expect(await ask(client, "/clear")).toBe(
    "Cleared. I no longer see what was said before; the history still shows it.",
  );
  await ask(client, "what is my secret?");
  expect(model.requests[1]?.messages.slice(1).map(({ content }) => content)).toEqual(["what is my secret?"]);
  await server.stop("SIGKILL");
  await server.start();
  await using again = await connectRaw(server.url);
  await ask(again, "and now?");
  const seen = model.requests[2]?.messages.slice(1).map(({ content }) => content);
  expect(seen).toEqual(["what is my secret?", "ok", "and now?"]);

  const cleared = client.frames.find(({ action }) => action === "cleared");
  const sessions = new Set(client.frames.flatMap(({ session_id }) => session_id ?? []));
  expect([...sessions]).toEqual([cleared?.session_id]);
  const { records } = await connectTrpcHttp(server.url).sessions.history.query({
    session_id: `${cleared?.session_id}`,
  });
  expect(records.map(({ event }) => ("content" in event ? event.content : event.type))).toContain("my secret is 42");
});

test("[CMD3] /clear leaves alone the message that was queued before it and the one that was queued behind it", async () => {
  const go = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    await go.promise;
    reply.text("ok");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  for (const content of ["one", "two", "/clear", "three"]) client.send({ source: "test", content });
  go.resolve();
  for (let i = 0; i < 4; i++) await client.next("OutboundEvent");
  const seen = model.requests.map(({ messages }) => messages.slice(1).map(({ content }) => content));
  expect(seen).toEqual([["one"], ["one", "ok", "two"], ["three"]]);
});

test("[CMD6] /agent and /model hold for this session from then on, also after a crash, and for no other", async () => {
  await using model = await startScriptedModel(says("ok"));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  expect(await ask(client, "/agent nobody")).toBe("There is no agent `nobody`; `/agent` lists them.");
  expect(await ask(client, "/agent")).toMatch(
    /^\*\*Agents\*\*\n\n- `cookie`: Cookie.*\n- `pickle`: Pickle.* \(this session's\)$/,
  );
  expect(await ask(client, "/agent cookie")).toBe("Cookie (`cookie`) answers in this session from now on.");
  expect(await ask(client, "/agent cookie")).toBe("Cookie (`cookie`) already answers in this session.");
  expect(await ask(client, "/model")).toBe("The model is `scripted` (its agent's).");
  expect(await ask(client, "/model larger/model:v2")).toBe(
    "The model of this session is `larger/model:v2` from now on.",
  );
  await server.stop("SIGKILL");
  await server.start();
  await using again = await connectRaw(server.url);
  expect(await ask(again, "/model")).toBe(
    "The model is `larger/model:v2` (chosen for this session; its agent's is `scripted`).",
  );
  await ask(again, "Hi");
  expect(model.requests[0]).toMatchObject({ model: "larger/model:v2" });
  expect(model.requests[0]?.messages[0]?.content).toContain("Cookie");
  expect(await ask(again, "/model default")).toBe("The model of this session is `scripted` from now on.");
  again.send({ source: "other", content: "Hi" });
  expect(await again.next("OutboundEvent")).toMatchObject({ source: "agent:pickle" });
  expect(model.requests[1]).toMatchObject({ model: "scripted" });
});
