import { once } from "node:events";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callsOnce, offered, startMcpAsking } from "../support/mcp-asking.ts";
import { everything, filesystem, oddServer, startHttpMcpServer } from "../support/mcp-servers.ts";
import { says } from "../support/scripted-model.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("the reference servers", () => {
  test("[MCP1] [MCP3] over stdio: its tools are offered with its schemas, and called through both doors", async () => {
    const echo = callsOnce("mcp__every__echo", { message: "hello cat" });
    await using asking = await startMcpAsking({ every: everything }, echo);
    expect((await asking.until("every", "ready")).tools).toContain("mcp__every__echo");
    expect(await asking.call()).toMatchObject({ content: "Echo: hello cat", is_error: false });
    const tool = asking.model.requests[0]?.tools?.find(({ function: { name } }) => name === "mcp__every__echo");
    expect(tool).toMatchObject({
      function: { parameters: { type: "object", properties: { message: { type: "string" } }, required: ["message"] } },
    });
    const { client, close } = connectTrpcWs(asking.server.url);
    const events = followTrpc(client, {});
    await client.send.mutate({ source: "typed", content: "Again" });
    expect((await events.next("ToolResultEvent")).data).toMatchObject({ content: "Echo: hello cat" });
    expect((await events.next("OutboundEvent")).data).toMatchObject({ content: "Echo: hello cat", error: null });
    events.stop();
    await close();
  });

  test("[MCP1] [MCP3] over streamable HTTP, with its headers", async () => {
    await using http = await startHttpMcpServer();
    const servers = { web: { ...http.config, headers: { "X-Test": "a" } } };
    await using asking = await startMcpAsking(servers, callsOnce("mcp__web__get-sum", { a: 2, b: 3 }));
    await asking.until("web", "ready");
    expect(await asking.call()).toMatchObject({ content: expect.stringContaining("5"), is_error: false });
  });

  test("[MCP2] headers go to the configured address, and no redirect takes them to another", async () => {
    const seen: unknown[] = [];
    const other = createServer((request, response) => {
      seen.push(request.url);
      response.writeHead(200).end();
    });
    const first = createServer((request, response) => {
      seen.push(request.headers["x-key"]);
      response.writeHead(307, { Location: `${addressOf(other)}/stolen` }).end();
    });
    for (const server of [first, other]) await once(server.listen(0, "127.0.0.1"), "listening");
    const servers = { web: { url: `${addressOf(first)}/mcp`, headers: { "X-Key": "k-0123456789" } } };
    await using asking = await startMcpAsking(servers, says("ok"));
    const { problem } = await asking.until("web", "failed");
    expect(problem).toMatch(/^answers 307 at http:\/\/127\.0\.0\.1:\d+; check url and headers$/);
    expect(new Set(seen)).toEqual(new Set(["k-0123456789"]));
    for (const server of [first, other]) server.close();
  });

  test("[MCP2] the filesystem server reads a file in the workspace, as a program of the workspace", async () => {
    using dir = tempDir();
    writeFileSync(join(dir.path, "note.txt"), "the answer is 42");
    const path = join(realpathSync(dir.path), "note.txt");
    const read = callsOnce("mcp__files__read_text_file", { path });
    await using asking = await startMcpAsking({ files: filesystem(dir.path) }, read);
    await asking.until("files", "ready");
    expect(await asking.call()).toMatchObject({ content: "the answer is 42", is_error: false });
  });

  test("[MCP2] a program gets PATH, HOME, LANG, TERM and the variables that are named, and no other (X30)", async () => {
    const env = { PLANTED_SECRET: "sk-planted-0123456789", NAMED: "yes", LANG: "C" };
    const servers = { every: { ...everything, env: ["NAMED"] } };
    await using asking = await startMcpAsking(servers, callsOnce("mcp__every__get-env", {}), { env });
    await asking.until("every", "ready");
    const { content } = await asking.call();
    const seen = Object.keys(JSON.parse(String(content))).filter((name) => name !== "MYBOT_CALL");
    expect(seen.sort()).toEqual(["HOME", "LANG", "NAMED", "PATH"]);
    expect(content).not.toContain("sk-");
  });

  test("[MCP3] what is no text is noted", async () => {
    await using asking = await startMcpAsking({ every: everything }, callsOnce("mcp__every__get-tiny-image", {}));
    await asking.until("every", "ready");
    const { content, is_error } = await asking.call();
    expect(content).toMatch(/\[image, image\/png, \d+ bytes: not shown\]/);
    expect(is_error).toBe(false);
  });
});

describe("arguments and errors", () => {
  test.each([
    ["arguments that the server refuses", callsOnce("mcp__every__echo", { message: 5 }), /invalid.*message/is],
    ["no object", callsOnce("mcp__every__echo", ["a"]), /Invalid arguments .*expected (object|record)/],
  ])("[MCP3] %s are told to the model", async (_, script, reason) => {
    await using asking = await startMcpAsking({ every: everything }, script);
    await asking.until("every", "ready");
    expect(await asking.call()).toMatchObject({ content: expect.stringMatching(reason), is_error: true });
  });

  test("[MCP3] an error of the protocol is told to the model", async () => {
    const servers = { odd: oddServer("refuses") };
    await using asking = await startMcpAsking(servers, callsOnce("mcp__odd__work", { text: "a" }));
    await asking.until("odd", "ready");
    expect(await asking.call()).toMatchObject({ content: expect.stringContaining("no such cat"), is_error: true });
  });
});

describe("who may call what", () => {
  test("[MCP4] what the configuration denies is not offered, and only to the agents it names", async () => {
    const two = oddServer("", "", "look", "work");
    const servers = {
      open: { ...two, tools: { work: "deny" } },
      closed: { ...two, approval: "deny", tools: { look: "allow" } },
      others: { ...two, agents: ["cookie"] },
      asks: { command: two.command, args: two.args },
    };
    await using asking = await startMcpAsking(servers, says("ok"));
    for (const id of Object.keys(servers)) await asking.until(id, "ready");
    asking.client.send({ source: "test", content: "Hi" });
    await asking.client.next("OutboundEvent");
    expect(offered(asking).filter((name) => name.startsWith("mcp__"))).toEqual([
      "mcp__open__look",
      "mcp__closed__look",
      "mcp__asks__look",
      "mcp__asks__work",
    ]);
    const { workspace, config, until } = asking;
    await workspace.use(() => workspace.writeConfig(config({ open: { ...two, tools: { wrok: "deny" } } })));
    expect((await until("open", "ready")).problem).toBe("tools.wrok: the server has no such tool");
  });

  test("[MCP4] [APR1] a tool asks unless it is allowed, and is called with what was shown once someone allows it", async () => {
    using dir = tempDir();
    const notes = join(dir.path, "notes");
    const { command, args } = oddServer("", notes);
    const work = callsOnce("mcp__odd__work", { text: "a" });
    await using asking = await startMcpAsking({ odd: { command, args } }, work);
    const { client, until } = asking;
    await until("odd", "ready");
    client.send({ source: "test", content: "Do it" });
    const { approval_id, ...asked } = await client.next("ApprovalRequestedEvent");
    expect(asked).toMatchObject({ name: "mcp__odd__work", arguments: `{"text":"a"}` });
    expect(readFileSync(notes, "utf8")).not.toContain("called");
    client.send({ type: "approve", approval_id, decision: "allow" });
    expect(await client.next("ToolResultEvent")).toMatchObject({ content: `work {"text":"a"}`, is_error: false });
    expect(readFileSync(notes, "utf8")).toContain("called");
  });

  test("[MCP4] a fault of the configuration is one line that names the key", async () => {
    await using asking = await startMcpAsking({}, says("ok"));
    const { workspace, config } = asking;
    const faults: readonly [object, RegExp][] = [
      [{ a: {} }, /mcp\.servers\.a: needs either `command` or `url`/],
      [{ a: { command: "x", url: "http://localhost" } }, /mcp\.servers\.a: needs either/],
      [{ a__b: { command: "x" } }, /mcp\.servers\.a__b: must be letters and digits/],
      [{ a: { url: "file:///etc/passwd" } }, /mcp\.servers\.a\.url: /],
      [{ a: { command: "x", cwd: "../up" } }, /mcp\.servers\.a\.cwd: must be a path inside the workspace/],
      [{ a: { command: "x", agents: ["nobody"] } }, /mcp\.servers\.a\.agents\.0: there is no agent "nobody"/],
    ];
    for (const [servers, reason] of faults) {
      expect(await workspace.refuse(() => workspace.writeConfig(config(servers)))).toMatch(reason);
      await workspace.use(() => workspace.writeConfig({ ...config({}), default_agent: "cookie" }));
      await workspace.use(() => workspace.writeConfig(config({})));
    }
    expect(readFileSync(join(asking.server.workspaceDir, ".logs/my-bot.log"), "utf8")).toMatch(/needs either/);
  });
});
