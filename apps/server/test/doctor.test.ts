import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { runDoctor } from "../src/doctor/run-doctor.ts";
import { oddServer } from "./support/mcp-servers.ts";
import { myBot } from "./support/my-bot-command.ts";
import { connectRaw } from "./support/raw-client.ts";
import { configText, startServer } from "./support/server-process.ts";
import { tempDir } from "./support/temp-dir.ts";

test("[CLI11] doctor finds nothing wrong with a running server, then names a damaged event", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Hi" });
  await client.next("OutboundEvent");
  const port = Number(new URL(server.url).port);
  writeFileSync(
    join(server.workspaceDir, "config.user.yaml"),
    stringify({ llm: { provider: "offline" }, api: { port } }),
  );
  const well = await myBot(["doctor", "-w", server.workspaceDir]);
  expect(well).toMatchObject({ code: 0, stderr: "" });
  const lines = well.stdout.trim().split("\n");
  expect(lines.filter((line) => !/^(ok {7}|warning {2}web app)/.test(line))).toEqual([]);
  for (const text of [
    /Node: 24/,
    /configuration: is valid/,
    /\d agents, \d skills/,
    /file modes: .* owner only/,
    /store: \d events, 1 sessions, \d open runs, .* intact, in use/,
    new RegExp(`my-bot .* answers on port ${port}`),
    /model: offline model/,
  ])
    expect(well.stdout).toMatch(text);
  await server.stop("SIGTERM");
  const database = new DatabaseSync(join(server.workspaceDir, ".event", "my-bot.db"));
  database.exec("UPDATE events SET body = replace(body, 'Hi', 'Ho') WHERE seq = 2");
  database.close();
  const ill = await myBot(["doctor", "-w", server.workspaceDir]);
  expect(ill).toMatchObject({ code: 1, stderr: "my-bot: 1 problem\n" });
  expect(ill.stdout).toMatch(/^problem {2}store: .*my-bot\.db is damaged: event 2 .*restore a backup.*$/m);
  expect(ill.stdout).toMatch(new RegExp(`^ok {7}port: ${port} on 127.0.0.1 is free$`, "m"));
});

test("[CLI11] what is wrong with configuration, agents, modes, port and model is told with a remedy", async () => {
  using dir = tempDir();
  let status = 200;
  const provider = createServer((request, response) => {
    response.writeHead(request.url === "/v1/models" ? status : 404).end("{}");
  }).listen(0, "127.0.0.1");
  await once(provider, "listening");
  const { port } = provider.address() as AddressInfo;
  const configure = (config: object) => writeFileSync(join(dir.path, "config.user.yaml"), stringify(config));
  const examine = async () => {
    const options = { workspaceDir: dir.path, env: {}, nodeVersion: "22.1.0", webDir: undefined };
    const lines: string[] = [];
    for await (const { level, check, message } of runDoctor(options)) lines.push(`${level} ${check}: ${message}`);
    return lines.join("\n");
  };
  for (const [agent, text] of Object.entries({ pickle: "---\nname: Pickle\n---\nYou are Pickle.\n", bad: "no head" })) {
    mkdirSync(join(dir.path, "agents", agent), { recursive: true });
    writeFileSync(join(dir.path, "agents", agent, "AGENT.md"), text);
  }
  configure({ llm: { provider: "offline", temperature: 9 } });
  expect(await examine()).toMatch(/problem Node: 22.*\nwarning web app: .*\nproblem configuration: config.user.yaml:3/);
  configure({ llm: { provider: "test", model: "m", api_base: `http://127.0.0.1:${port}/v1` }, api: { port } });
  mkdirSync(join(dir.path, ".logs"));
  chmodSync(join(dir.path, ".logs"), 0o755);
  const report = await examine();
  expect(report).toMatch(/warning workspace: agents\/bad\/AGENT\.md.*skipped/);
  expect(report).toMatch(/warning file modes: \.logs is open to other users; run: chmod /);
  expect(report).toMatch(/ok store: none yet/);
  expect(report).toMatch(/problem port: \d+ on 127\.0\.0\.1 is in use by another program; .* api\.port/);
  expect(report).toMatch(/ok model: test answers \(m\)/);
  status = 401;
  expect(await examine()).toMatch(/problem model: test refuses the key \(401\); check llm\.api_key/);
  status = 404;
  expect(await examine()).toMatch(/warning model: test answers, but does not list its models/);
  provider.close();
  provider.closeAllConnections();
  expect(await examine()).toMatch(/problem model: test cannot be reached at .*ECONNREFUSED.*\bllm\.api_base/);
  expect(readFileSync(join(dir.path, "config.user.yaml"), "utf8")).toContain("api_base");
});

test("[CLI11] MCP servers are started for a moment: how many tools they have, or why they cannot be used", async () => {
  await using server = await startServer();
  const servers = {
    odd: oddServer("", "", "look", "work"),
    bad: { ...oddServer("crash"), env: ["PLANTED_SECRET"] },
    none: { command: "no-such-program" },
  };
  const config = { llm: { provider: "offline" }, api: { port: 0 }, mcp: { servers } };
  writeFileSync(join(server.workspaceDir, "config.user.yaml"), configText(config), { mode: 0o600 });
  const env = { PLANTED_SECRET: "sk-planted-0123456789" };
  const { code, stdout } = await myBot(["doctor", "-w", server.workspaceDir], { env });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ok {7}MCP server odd: answers with 2 tools$/m);
  expect(stdout).toMatch(
    /^problem {2}MCP server bad: ended with exit code 3; it printed: cannot go on with \[secret hidden\]$/m,
  );
  expect(stdout).toMatch(/^problem {2}MCP server none: .*no program "no-such-program"; check command$/m);
});
