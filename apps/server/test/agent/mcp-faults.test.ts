import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callsOnce, offered, startMcpAsking } from "../support/mcp-asking.ts";
import { everything, oddServer, startHttpMcpServer } from "../support/mcp-servers.ts";
import { readPids, untilGone } from "../support/processes.ts";
import { says } from "../support/scripted-model.ts";
import { tempDir } from "../support/temp-dir.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

const text = { text: "a" };

/** The file into which an odd server writes what happens to it. */
function noteFile(dir: { path: string }) {
  const file = join(dir.path, "notes");
  return { file, lines: () => readFileSync(file, "utf8").trim().split("\n") };
}

describe("a stop", () => {
  test("[MCP5] of a call of the reference server ends the run within 1 s, and the server goes on", async () => {
    const long = callsOnce("mcp__every__trigger-long-running-operation", { duration: 600, steps: 1 });
    await using asking = await startMcpAsking({ every: everything }, long);
    await asking.until("every", "ready");
    asking.client.send({ source: "test", content: "Take your time" });
    const { run_id } = await asking.client.next("ToolCallEvent");
    const { client, close } = connectTrpcWs(asking.server.url);
    const startedAt = performance.now();
    await client.abort.mutate({ run_id: String(run_id) });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await asking.client.next("RunEndedEvent")).toMatchObject({ status: "aborted" });
    expect(await asking.until("every", "ready")).toMatchObject({ problem: null });
    await close();
  });

  test("[MCP5] is told to the server; so is a call that takes longer than it may", async () => {
    using dir = tempDir();
    const { file, lines } = noteFile(dir);
    const servers = { odd: { ...oddServer("slow", file), timeout_seconds: 1 } };
    await using asking = await startMcpAsking(servers, callsOnce("mcp__odd__work", text));
    await asking.until("odd", "ready");
    expect(await asking.call()).toMatchObject({ content: expect.stringContaining("within 1 s"), is_error: true });
    await expect.poll(lines).toEqual([expect.any(String), "called 2", "cancelled 2"]);
    expect(await asking.until("odd", "ready")).toMatchObject({ problem: null });
  });
});

describe("a server that", () => {
  test.each([
    ["is no program", { command: "no-such-program" }, /there is no program "no-such-program"; check command/],
    [
      "is started in no folder",
      { command: "node", cwd: "nowhere" },
      /nowhere is no folder of the workspace; check cwd/,
    ],
    ["floods its output", oddServer("flood"), /writes something else than MCP messages/],
    ["does not run", { url: "http://127.0.0.1:9/mcp" }, /cannot be reached at http:\/\/127\.0\.0\.1:9; check url/],
  ])("[MCP6] %s keeps nobody waiting: its tools are absent, and why is told", async (_, config, reason) => {
    await using asking = await startMcpAsking({ bad: config, every: everything }, says("ok"));
    expect(await asking.until("bad", "failed")).toMatchObject({ tools: [], problem: expect.stringMatching(reason) });
    await asking.until("every", "ready");
    asking.client.send({ source: "test", content: "Hi" });
    expect(await asking.client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
    expect(offered(asking)).toContain("mcp__every__echo");
    expect(offered(asking).filter((name) => name.startsWith("mcp__bad"))).toEqual([]);
    const told = asking.server.stderr.filter((line) => line.startsWith("warning: mcp.servers.bad: "));
    expect(told).toEqual([expect.stringMatching(reason)]);
  });

  test("[MCP6] ends is told with its exit code; what it printed is in the log only, without what it was given (X31)", async () => {
    const env = { PLANTED_SECRET: "sk-planted-0123456789" };
    const servers = { bad: { ...oddServer("crash"), env: ["PLANTED_SECRET"] } };
    await using asking = await startMcpAsking(servers, says("ok"), { env });
    expect(await asking.until("bad", "failed")).toMatchObject({ problem: "ended with exit code 3" });
    const log = () => readFileSync(join(asking.server.workspaceDir, ".logs/my-bot.log"), "utf8");
    await expect.poll(log).toMatch(/mcp\.servers\.bad printed: cannot go on with \[secret hidden\]/);
    expect([log(), ...asking.server.stderr].join("\n")).not.toContain(env.PLANTED_SECRET);
  });

  test("[MCP6] starts slowly keeps nobody waiting, a stop of the bot neither; its tools are there later", async () => {
    using dir = tempDir();
    const { file } = noteFile(dir);
    await using asking = await startMcpAsking({ late: oddServer("late", file) }, says("ok"));
    const ask = async (): Promise<void> => {
      asking.client.send({ source: "test", content: "Hi" });
      expect(await asking.client.next("OutboundEvent")).toMatchObject({ content: "ok", error: null });
    };
    await ask();
    expect(offered(asking)).not.toContain("mcp__late__work");
    expect(await asking.until("late", "starting")).toMatchObject({ tools: [], problem: null });
    const [pid = 0] = await readPids(file, 1);
    process.kill(pid, "SIGUSR1");
    await asking.until("late", "ready");
    await ask();
    expect(offered(asking)).toContain("mcp__late__work");
    await asking.server.stop("SIGTERM");
    await asking.server.start();
    expect(await asking.until("late", "starting")).toMatchObject({ tools: [] });
    expect(await asking.server.stop("SIGTERM")).toBe(0);
  });

  test("[MCP6] is killed in the middle of a call: the model is told that the outcome is unknown, and it is started again", async () => {
    using dir = tempDir();
    const { file, lines } = noteFile(dir);
    await using asking = await startMcpAsking({ odd: oddServer("dies", file) }, callsOnce("mcp__odd__work", text));
    await asking.until("odd", "ready");
    const { content, is_error } = await asking.call();
    expect(content).toBe(`The MCP server "odd" was ended by SIGKILL. Whether this call took effect is unknown.`);
    expect(is_error).toBe(true);
    await expect.poll(() => lines().filter((line) => /^\d+$/.test(line)).length, { timeout: 10_000 }).toBe(2);
    await asking.until("odd", "ready");
  });

  test("[MCP6] gives no sign of life after a call is started again", async () => {
    using dir = tempDir();
    const { file } = noteFile(dir);
    const servers = { odd: { ...oddServer("hangs", file), timeout_seconds: 1 } };
    await using asking = await startMcpAsking(servers, callsOnce("mcp__odd__work", text));
    await asking.until("odd", "ready");
    const [first = 0] = await readPids(file, 1);
    expect(await asking.call()).toMatchObject({ is_error: true });
    await untilGone([first], 10_000);
    await asking.until("odd", "ready");
  });

  test("[MCP6] is killed over HTTP is noticed, and used again once it is back", async () => {
    await using http = await startHttpMcpServer();
    await using asking = await startMcpAsking({ web: http.config }, callsOnce("mcp__web__echo", { message: "hi" }));
    await asking.until("web", "ready");
    await http.kill();
    expect(await asking.call()).toMatchObject({ is_error: true });
    await asking.until("web", "failed");
    await http.start();
    await asking.until("web", "ready");
    expect(await asking.call()).toMatchObject({ content: "Echo: hi", is_error: false });
  });
});
