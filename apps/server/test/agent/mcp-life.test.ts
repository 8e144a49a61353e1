import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callsOnce, offered, startMcpAsking } from "../support/mcp-asking.ts";
import { everything, oddServer } from "../support/mcp-servers.ts";
import { isRunning, readPids, untilGone } from "../support/processes.ts";
import { says } from "../support/scripted-model.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("an edit of the configuration", () => {
  test("[MCP7] starts and ends the servers that it concerns, and no others", async () => {
    using dir = tempDir();
    const [kept, moved] = [join(dir.path, "kept"), join(dir.path, "moved")];
    const servers = { kept: oddServer("", kept), moved: oddServer("", moved) };
    await using asking = await startMcpAsking(servers, says("ok"));
    const { workspace, config, until, client } = asking;
    for (const id of ["kept", "moved"]) await until(id, "ready");
    const [pid = 0] = await readPids(kept, 1);
    const [old = 0] = await readPids(moved, 1);
    const edited = {
      kept: { ...servers.kept, timeout_seconds: 5, tools: { work: "allow" } },
      moved: oddServer("", moved, "another"),
      every: everything,
    };
    await workspace.use(() => workspace.writeConfig(config(edited)));
    await untilGone([old], 5000);
    for (const id of ["kept", "moved", "every"]) await until(id, "ready");
    expect(isRunning(pid)).toBe(true);
    client.send({ source: "test", content: "Hi" });
    await client.next("OutboundEvent");
    expect(offered(asking)).toEqual(
      expect.arrayContaining(["mcp__kept__work", "mcp__moved__another", "mcp__every__echo"]),
    );
    await workspace.use(() => workspace.writeConfig(config({})));
    await untilGone([pid, ...(await readPids(moved, 2))], 5000);
    expect((await workspace.info()).mcp).toEqual([]);
    client.send({ source: "test", content: "Hi" });
    await client.next("OutboundEvent");
    expect(offered(asking).filter((name) => name.startsWith("mcp__"))).toEqual([]);
  });

  test("[MCP7] that cannot be used leaves the servers alone", async () => {
    using dir = tempDir();
    const file = join(dir.path, "pids");
    await using asking = await startMcpAsking({ odd: oddServer("", file) }, says("ok"));
    const { workspace, config, until } = asking;
    await until("odd", "ready");
    const bad = { odd: { ...oddServer("", file), timeout_seconds: -1 } };
    expect(await workspace.refuse(() => workspace.writeConfig(config(bad)))).toMatch(/mcp\.servers\.odd\.timeout_sec/);
    expect(await until("odd", "ready")).toMatchObject({ tools: ["mcp__odd__work"] });
    expect(await readPids(file, 1)).toHaveLength(1);
  });
});

test("[MCP7] a tool that a server announces is there for the next run", async () => {
  using dir = tempDir();
  const servers = { odd: oddServer("grows", join(dir.path, "notes")) };
  await using asking = await startMcpAsking(servers, callsOnce("mcp__odd__work", { text: "a" }));
  await asking.until("odd", "ready");
  expect(await asking.call()).toMatchObject({ content: `work {"text":"a"}` });
  const tools = async () => (await asking.until("odd", "ready")).tools;
  await expect.poll(tools).toEqual(["mcp__odd__work", "mcp__odd__more"]);
  await asking.call();
  expect(offered(asking)).toEqual(expect.arrayContaining(["mcp__odd__work", "mcp__odd__more"]));
});

describe("what a stubborn program has started", () => {
  test("[MCP8] is gone when the server has stopped", async () => {
    using dir = tempDir();
    const file = join(dir.path, "pids");
    await using asking = await startMcpAsking({ odd: oddServer("stubborn", file) }, says("ok"));
    await asking.until("odd", "ready");
    const pids = await readPids(file, 2);
    expect(await asking.server.stop("SIGTERM")).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test("[MCP8] is killed at the next start of a server that was killed (Linux)", async () => {
    using dir = tempDir();
    const file = join(dir.path, "pids");
    await using asking = await startMcpAsking({ odd: oddServer("stubborn", file) }, says("ok"));
    await asking.until("odd", "ready");
    const pids = await readPids(file, 2);
    await asking.server.stop("SIGKILL");
    await asking.server.start();
    await untilGone(pids, 5000);
    await asking.until("odd", "ready");
    const started = await readPids(file, 4);
    expect(started).toHaveLength(4);
    await asking.server.stop("SIGTERM");
    expect(started.filter(isRunning)).toEqual([]);
  });
});
