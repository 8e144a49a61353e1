import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mountSmallDisk } from "@my-bot/conformance/small-disk";
import { describe, expect, test, vi } from "vitest";
import { isRunning, readPids, untilGone } from "../support/processes.ts";
import { connectRaw, type Frame, type RawClient } from "../support/raw-client.ts";
import { type ModelScript, type ScriptedModel, says, startScriptedModel } from "../support/scripted-model.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

const GONE_MS = 3000; // 1 s and what a busy machine adds
const allow = { bash: { approval: "allow" } };

function calls(command: string, text = ""): ModelScript {
  return (reply) => {
    if (text !== "") reply.text(text);
    reply.toolCall(0, "call_a", "bash", { command });
    reply.finish("tool_calls");
  };
}

function startWith(model: ScriptedModel, tools: object = allow, more: object = {}): Promise<ServerProcess> {
  return startServer({ config: { llm: model.llm, tools, ...more } });
}

async function ask(client: RawClient): Promise<Frame> {
  client.send({ source: "test", content: "Do it" });
  return await client.next("OutboundEvent");
}

function results(client: RawClient): readonly Frame[] {
  return client.frames.filter(({ type }) => type === "ToolResultEvent");
}

/** The log and the server's own log, as bytes. */
function readAllFiles({ workspaceDir }: ServerProcess, dirs = [".event", ".logs"]): string {
  const files = dirs.flatMap((dir) => readdirSync(join(workspaceDir, dir)).map((file) => join(dir, file)));
  return files.map((file) => readFileSync(join(workspaceDir, file), "latin1")).join("\n");
}

describe("permission", () => {
  test("[TOOL3] [APR7] denied, the tool is not there, and a model that calls it all the same runs nothing (X24)", async () => {
    await using model = await startScriptedModel(calls("echo done > effect.txt"), says("I cannot."));
    await using server = await startWith(model, { bash: { approval: "deny" } });
    await using client = await connectRaw(server.url, "?events=all");
    expect(await ask(client)).toMatchObject({ content: "I cannot.", error: null });
    expect(model.requests[0]?.tools?.map((tool) => tool.function.name)).not.toContain("bash");
    expect(results(client)).toMatchObject([
      { is_error: true, content: expect.stringMatching(/^There is no tool "bash"/) },
    ]);
    expect(existsSync(join(server.workspaceDir, "effect.txt"))).toBe(false);
    expect(server.stderr.join("\n")).not.toMatch(/bash/);
  });

  test("[TOOL3] with allow it runs; the start says what that means; an agent can be without it (X24)", async () => {
    await using model = await startScriptedModel(calls("echo done > effect.txt; cat effect.txt"), says("I did."));
    await using server = await startServer({
      config: { llm: model.llm, tools: allow },
      files: { "agents/shy/AGENT.md": "---\nname: Shy\nallow_bash: false\n---\nYou are shy.\n" },
    });
    expect(server.stderr).toContainEqual(
      expect.stringMatching(/^warning: config.user.yaml:\d+: tools.bash.approval: the model may run any command/),
    );
    await using client = await connectRaw(server.url, "?events=all");
    expect(await ask(client)).toMatchObject({ content: "I did.", error: null });
    expect(model.requests[0]?.tools?.map((tool) => tool.function.name)).toContain("bash");
    expect(results(client)).toMatchObject([{ content: "done\n", is_error: false }]);
    expect(readFileSync(join(server.workspaceDir, "effect.txt"), "utf8")).toBe("done\n");
    client.send({ source: "other", content: "Do it", agent_id: "shy" });
    await client.next("OutboundEvent");
    expect(model.requests.at(-1)?.tools?.map((tool) => tool.function.name)).not.toContain("bash");
  });

  test("[TOOL3] the key of the provider reaches no command, no frame and no file of the server (X31)", async () => {
    const key = "sk-test-1234567890";
    await using model = await startScriptedModel(calls("env; set; export"), says("Done."));
    await using server = await startWith(model);
    await using client = await connectRaw(server.url, "?events=all");
    await ask(client);
    expect(readFileSync(join(server.workspaceDir, "config.user.yaml"), "utf8")).toContain(key);
    expect(results(client)[0]?.content).toMatch(/^PATH=/m);
    expect(client.texts.join("\n")).not.toContain(key);
    expect(readAllFiles(server)).toContain("PATH=");
    expect(readAllFiles(server)).not.toContain(key);
  });

  test("[TOOL4] a swarm of processes is ended and the server answers on (X29)", async () => {
    const swarm = "for i in $(seq 1 300); do sleep 1000 & done; head -c 1G /dev/zero | tail; wait";
    await using model = await startScriptedModel(calls(swarm), says("Still here."));
    await using server = await startWith(model, {
      bash: { approval: "allow", max_processes: 50, max_memory_mb: 200 },
    });
    await using client = await connectRaw(server.url, "?events=all");
    expect(await ask(client)).toMatchObject({ content: "Still here.", error: null });
    expect(results(client)).toMatchObject([{ content: expect.stringMatching(/more than 50 processes at once\]$/) }]);
    expect((await fetch(`${server.url}/healthz`)).ok).toBe(true);
  });
});

test("[TOOL6] [BUS20] the result of a call that has filled the disk waits until it can be kept (P14)", async () => {
  await using model = await startScriptedModel(
    calls("echo ran >> effects; cat /dev/zero > .event/filler; seq 1 20000"),
    says("Your disk was full."),
  );
  await using server = await startWith(model);
  await server.stop("SIGTERM");
  using disk = mountSmallDisk(join(server.workspaceDir, ".event"), 8);
  if (disk === undefined) return; // may not mount; disk-full.test.ts has what this user can do
  await server.start();
  await using client = await connectRaw(server.url, "?events=all");
  client.send({ source: "test", content: "Do it" });
  await vi.waitFor(() => expect(readAllFiles(server, [".logs"])).toMatch(/disk is full/), { timeout: 20_000 });
  disk.free();
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Your disk was full.", error: null });
  expect(results(client)).toMatchObject([{ is_error: false, content: expect.stringMatching(/20000\n$/) }]);
  expect(readFileSync(join(server.workspaceDir, "effects"), "utf8")).toBe("ran\n");
});

/** One in the group, and where it can be found one that has left it. */
const [STAY, COUNT] =
  process.platform === "linux"
    ? ["(echo $BASHPID >> pids; exec sleep 1000) & setsid sh -c 'echo $$ >> pids; exec sleep 1000' & wait", 2]
    : ["(echo $BASHPID >> pids; exec sleep 1000) & wait", 1];

describe("a stop", () => {
  test("[TOOL5] [TOOL6] [RUN12] ends all processes of the call; text and output so far are kept, the end is an event (P7)", async () => {
    await using model = await startScriptedModel(calls(`echo begun; ${STAY}`, "On my way."), says("next"));
    await using server = await startWith(model);
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Do it" });
    const { session_id, run_id } = await client.next("InboundEvent");
    const pids = await readPids(join(server.workspaceDir, "pids"), COUNT);
    const { client: rpc, close } = connectTrpcWs(server.url);
    const stopped = rpc.abort.mutate({ session_id: String(session_id) });
    expect(await untilGone(pids, 20_000)).toBeLessThan(GONE_MS);
    expect(await stopped).toEqual({ run_ids: [run_id] });
    expect(pids.filter(isRunning)).toEqual([]);
    const outbound = await client.next("OutboundEvent");
    expect(outbound).toMatchObject({ run_id, content: "On my way.", error: "Stopped by the user" });
    expect(await client.next("RunEndedEvent")).toMatchObject({ run_id, status: "aborted" });
    expect(results(client)).toMatchObject([
      { run_id, is_error: true, content: expect.stringMatching(/^begun\n[\s\S]*\[stopped before it had finished\]$/) },
    ]);
    expect(client.frames.indexOf(results(client)[0] ?? outbound)).toBeLessThan(client.frames.indexOf(outbound));
    expect(await ask(client)).toMatchObject({ content: "next" });
    expect(model.requests[1]?.messages.find(({ role }) => role === "tool")?.content).toMatch(/^begun\n/);
    await close();
  });

  test("[TOOL5] [TOOL6] [RUN13] of the server ends the call when its time is over; the run goes on from there (P18)", async () => {
    await using model = await startScriptedModel(calls(`echo ran >> effects; ${STAY}`), says("It was stopped."));
    await using server = await startWith(model, allow, { api: { drain_seconds: 0.1 } });
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Do it" });
    const pids = await readPids(join(server.workspaceDir, "pids"), COUNT);
    expect(await server.stop("SIGTERM")).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    await server.start();
    await using later = await connectRaw(server.url, "?events=all&after=0");
    expect(await later.next("OutboundEvent")).toMatchObject({ content: "It was stopped.", error: null });
    expect(results(later)).toMatchObject([{ content: expect.stringMatching(/\[stopped before it had finished\]$/) }]);
    expect(readFileSync(join(server.workspaceDir, "effects"), "utf8")).toBe("ran\n");
  });

  test("[TOOL5] a second Ctrl-C takes the process group with it", async () => {
    await using model = await startScriptedModel(calls("(echo $BASHPID >> pids; exec sleep 1000) & wait"));
    await using server = await startWith(model, allow, { api: { drain_seconds: 600 } });
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Do it" });
    const pids = await readPids(join(server.workspaceDir, "pids"), 1);
    const stopped = server.stop("SIGINT");
    const again = setInterval(() => process.kill(server.pid, "SIGINT"), 300); // the first moments count as the same
    expect(await stopped).toBe(1);
    clearInterval(again);
    expect(await untilGone(pids, 20_000)).toBeLessThan(GONE_MS);
  });
});

describe("a crash", () => {
  test("[TOOL6] [RUN4] during a call is told to the model as unknown; the call is not made again (P18)", async () => {
    await using model = await startScriptedModel(calls(`echo ran >> effects; ${STAY}`), says("I am not sure."));
    await using server = await startWith(model);
    await using client = await connectRaw(server.url, "?events=all");
    client.send({ source: "test", content: "Do it" });
    const pids = await readPids(join(server.workspaceDir, "pids"), COUNT);
    await server.stop("SIGKILL");
    expect(pids.every(isRunning)).toBe(true);
    await server.start();
    await using later = await connectRaw(server.url, "?events=all&after=0");
    expect(await later.next("OutboundEvent")).toMatchObject({ content: "I am not sure.", error: null });
    expect(results(later)).toMatchObject([{ is_error: true, content: expect.stringMatching(/outcome is unknown/) }]);
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({
      role: "tool",
      tool_call_id: "call_a",
      content: results(later)[0]?.content,
    });
    expect(readFileSync(join(server.workspaceDir, "effects"), "utf8")).toBe("ran\n");
    if (process.platform !== "linux") for (const pid of pids) process.kill(pid, "SIGKILL");
    expect(pids.filter(isRunning)).toEqual([]); // gone before the run went on
  });
});
