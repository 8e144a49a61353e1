import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { editWorkspace } from "../support/edited-workspace.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

async function ask(client: RawClient, content: string): Promise<unknown> {
  client.send({ source: "owner", content });
  return (await client.next("OutboundEvent")).content;
}

test("[CMD7] [bug contract-4.2] /route writes a valid file, whatever the source holds, and it holds without a restart", async () => {
  await using model = await startScriptedModel(says("ok"));
  const bindings = [{ agent: "cookie", value: "platform-ws:notes-.*" }];
  const runtime =
    "# mine\nrouting: # who answers whom\n  bindings:\n    - { agent: pickle, value: 'platform-ws:x' } # keep\n";
  await using server = await startServer({
    config: { llm: model.llm, routing: { bindings } },
    files: { "config.runtime.yaml": runtime },
  });
  const workspace = editWorkspace(server);
  await using client = await connectRaw(server.url);
  await workspace.use(async () => {
    expect(await ask(client, "/route platform-ws:a.b:c cookie")).toBe(
      "`platform-ws:a.b:c` goes to `cookie` from now on; sessions that there are keep their agent.",
    );
  });
  const path = join(server.workspaceDir, "config.runtime.yaml");
  for (const comment of ["# mine", "# who answers whom", "# keep"]) {
    expect(readFileSync(path, "utf8")).toContain(comment);
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await ask(client, "/bindings")).toBe(
    "**Bindings**\n\n- `platform-ws:x`: `pickle`\n- `platform-ws:a.b:c`: `cookie`\n- anyone else: `pickle`",
  );
  await server.stop("SIGTERM");
  await server.start();
  await using again = await connectRaw(server.url);
  again.send({ source: "a.b:c", content: "Hi" });
  expect(await again.next("OutboundEvent")).toMatchObject({ source: "agent:cookie" });
});

test("[CMD7] the first /route keeps the bindings of config.user.yaml; the same value again changes its agent", async () => {
  await using model = await startScriptedModel(says("ok"));
  const bindings = [{ agent: "cookie", value: "platform-ws:notes-.*" }];
  await using server = await startServer({ config: { llm: model.llm, routing: { bindings } } });
  const workspace = editWorkspace(server);
  await using client = await connectRaw(server.url);
  await workspace.use(() => ask(client, "/route platform-ws:(a|b) cookie"));
  await workspace.use(() => ask(client, "/route platform-ws:(a|b) pickle"));
  expect(parse(readFileSync(join(server.workspaceDir, "config.runtime.yaml"), "utf8"))).toEqual({
    routing: {
      bindings: [
        { agent: "cookie", value: "platform-ws:notes-.*" },
        { agent: "pickle", value: "platform-ws:(a|b)" },
      ],
    },
  });
  for (const [wrong, reason] of [
    ["/route", /^Usage: `\/route <regex> <agent>`/],
    ["/route cookie", /^Usage/],
    ["/route platform-ws:x nobody", /^There is no agent `nobody`/],
    ["/route platform-ws:( cookie", /^Not routed: config\.runtime\.yaml: .*is not a regular expression/],
    [`/route platform-ws:$\{HOME} cookie`, /^Not routed: .*variable/],
    [`/route ${"x".repeat(501)} cookie`, /^Not routed: /],
  ] as const) {
    expect(await ask(client, wrong)).toMatch(reason);
  }
  workspace.write("config.runtime.yaml", "routing: [\n");
  expect(await ask(client, "/route platform-ws:y cookie")).toMatch(/^Not routed: config\.runtime\.yaml:\d+: /);
  expect(readFileSync(join(server.workspaceDir, "config.runtime.yaml"), "utf8")).toBe("routing: [\n");
});

test("[CMD5] what an agent writes to another is never a command", async () => {
  await using model = await startScriptedModel(
    (reply) => {
      reply.toolCall(0, "call_a", "subagent_dispatch", { agent_id: "cookie", task: "/route .* cookie" });
      reply.finish("tool_calls");
    },
    says("The child's model saw it."),
    says("done"),
  );
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url);
  expect(await ask(client, "go")).toBe("The child's model saw it.");
  expect(model.requests[1]?.messages.at(-1)?.content).toContain("/route .* cookie");
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "done" });
  expect(await ask(client, "/bindings")).toBe("**Bindings**\n\n- anyone else: `pickle`");
});
