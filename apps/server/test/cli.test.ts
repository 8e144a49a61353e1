import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { myBot } from "./support/my-bot-command.ts";
import { connectRaw } from "./support/raw-client.ts";
import { says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";
import { tempDir } from "./support/temp-dir.ts";

test("[CLI1] help names every command; wrong usage is told in one line, with exit code 2", async () => {
  const help = await myBot(["--help"]);
  expect(help.code).toBe(0);
  for (const command of ["server", "chat", "send", "tail", "approvals", "approve", "backup", "doctor"]) {
    expect(help.stdout).toContain(`  ${command} `);
    expect((await myBot([command, "--help"])).stdout).toMatch(/^Usage: my-bot /);
  }
  for (const args of [
    ["frobnicate"],
    ["server", "--port", "x"],
    ["server", "--port", "65536"],
    ["send"],
    ["tail", "--types", "X"],
    ["--nope"],
  ]) {
    const { code, stderr } = await myBot(args);
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(stderr).toMatch(/^error: .*\n\(see --help\)\n$/);
  }
});

test("[CLI2] server serves until SIGTERM or SIGINT, and port 0 is any free one", async () => {
  const started =
    /my-bot listening on http:\/\/127\.0\.0\.1:\d+\n.*workspace.*\n.*offline model.*\n.*config\.user\.yaml/;
  using dir = tempDir();
  const { code, stdout, stderr } = await myBot(["server", "--port", "0"], { cwd: dir.path, interruptAt: started });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(started);
});

test("[CLI3] the workspace is -w, else MYBOT_WORKSPACE, else ./default_workspace, else a new ~/.my-bot", async () => {
  using dir = tempDir();
  const ready = /For a real model/;
  const home = join(dir.path, ".my-bot");
  const inHome = await myBot(["server", "--port", "0"], { cwd: dir.path, interruptAt: ready });
  expect(inHome.stdout).toMatch(/workspace: \.my-bot \(new\)/);
  expect(statSync(home).mode & 0o777).toBe(0o700);
  expect(statSync(join(home, "config.example.yaml")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(home, ".gitignore"), "utf8")).toContain("config.user.yaml");
  const again = await myBot(["server", "--port", "0"], { cwd: dir.path, interruptAt: ready });
  expect(again.stdout).toMatch(/workspace: \.my-bot\n/);
  const byEnv = await myBot(["server", "--port", "0"], {
    cwd: join(dir.path, ".."),
    env: { MYBOT_WORKSPACE: home },
    interruptAt: ready,
  });
  expect(byEnv.stdout).toMatch(/workspace: .*\.my-bot\n/);
  const missing = await myBot(["server", "-w", join(dir.path, "nowhere")]);
  expect(missing).toMatchObject({ code: 78, stderr: expect.stringMatching(/nowhere: does not exist; .*\n$/) });
});

test("[CLI4] a bad configuration is one line with file, line, key and remedy, and exit code 78", async () => {
  using dir = tempDir();
  mkdirSync(join(dir.path, "agents"));
  writeFileSync(join(dir.path, "config.user.yaml"), "llm:\n  provider: offline\n  temperature: 9\n");
  const { code, stdout, stderr } = await myBot(["server", "-w", dir.path]);
  expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
  expect(stderr).toMatch(/^my-bot: config\.user\.yaml:3: llm\.temperature: .*\n$/);
});

test("[CLI5] a port in use and a store in use are one line each, with exit code 1", async () => {
  await using server = await startServer();
  const store = await myBot(["server", "-w", server.workspaceDir, "--port", "0"]);
  expect(store).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^my-bot: .* in use by another my-bot process.*\n$/),
  });
  using dir = tempDir();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const port = String((other.address() as AddressInfo).port);
  const taken = await myBot(["server", "--port", port], { cwd: dir.path });
  expect(taken).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`^my-bot: port ${port} is in use; .*\\n$`)),
  });
  other.close();
});

test("[CLI6] send streams the answer, or prints it as JSON, and repeats nothing for a known id", async () => {
  await using model = await startScriptedModel(says("Hello ", "there"));
  await using server = await startServer({ config: { llm: model.llm } });
  const env = { MYBOT_URL: server.url };
  expect(await myBot(["send", "Hi"], { env })).toEqual({ code: 0, stdout: "Hello there\n", stderr: "" });
  const piped = await myBot(["send", "-", "--json", "--source", "pipe", "--message-id", "m1"], { env, input: "Hi" });
  expect(JSON.parse(piped.stdout)).toMatchObject({ type: "OutboundEvent", content: "Hello there", error: null });
  const receipt = await myBot(["send", "Hi", "--source", "pipe", "--message-id", "m1", "--no-wait"], { env });
  expect(JSON.parse(receipt.stdout)).toMatchObject({ message_id: "m1", duplicate: true });
  expect(model.requests).toHaveLength(2);
  expect(await myBot(["send", " "], { env })).toMatchObject({ code: 2, stderr: "my-bot: The message is empty\n" });
  const refused = await myBot(["send", "Hi", "--agent", "nobody"], { env });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^my-bot: Unknown agent "nobody".*\n$/) });
});

test("[CLI7] tail prints every event as JSON with its cursor, until it is interrupted", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send({ source: "test", content: "Hi" });
  await client.next("OutboundEvent");
  const args = ["tail", "--url", server.url, "--after", "0", "--types", "InboundEvent,OutboundEvent"];
  const { code, stdout, stderr } = await myBot(args, { interruptAt: /SyncedEvent/ });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ type }) => type)).toEqual(["InboundEvent", "OutboundEvent", "SyncedEvent"]);
  expect(lines.every(({ cursor }) => typeof cursor === "string")).toBe(true);
  const bad = await myBot(["tail", "--url", server.url, "--after", "abc"]);
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/^my-bot: Malformed cursor.*\n$/) });
});

test("[CLI8] chat answers each line it is given, and tells a failed answer from a good one", async () => {
  await using model = await startScriptedModel(says("First."), (reply) => reply.fail(401, "no"), says("Third."));
  await using server = await startServer({ config: { llm: model.llm } });
  const { code, stdout, stderr } = await myBot(["chat", "--url", server.url], { input: "one\n\ntwo\nthree\n" });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/First\.\n[\s\S]*! .*401[\s\S]*Third\.\n/);
});

test("[CLI9] a server that does not answer is named, with what to do", async () => {
  const nobody = createServer().listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  const { code, stderr } = await myBot(["send", "Hi", "--url", `http://127.0.0.1:${port}`]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `my-bot: No server answers at http://127.0.0.1:${port}; start one with: my-bot server\n`,
  });
  expect(await myBot(["send", "Hi", "--url", "nonsense"])).toMatchObject({ code: 2 });
});
