import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectRaw, type Frame, type RawClient } from "../support/raw-client.ts";
import { callsTool, type ModelScript, says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcWs } from "../support/trpc-client.ts";

/** What a call of `bash` leaves behind: one line for each time that it was made. */
const MARK = { command: "echo ran >> effects" };

const calls = (args: object = MARK): ModelScript => callsTool("bash", args);

function effects(workspaceDir: string): string {
  const file = join(workspaceDir, "effects");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

async function request(client: RawClient, source = "test"): Promise<Frame> {
  client.send({ source, content: "Do it" });
  return await client.next("ApprovalRequestedEvent");
}

function answer(client: RawClient, { approval_id }: Frame, decision: string, more: object = {}): void {
  client.send({ type: "approve", approval_id, decision, ...more });
}

function ofType(client: RawClient, type: string): readonly Frame[] {
  return client.frames.filter((frame) => frame.type === type);
}

test("[APR1] [APR3] a call that asks is stored with its request, and made when a raw client allows it", async () => {
  await using model = await startScriptedModel(calls(), says("Done."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  await using plain = await connectRaw(server.url);
  const asked = await request(client);
  const [call] = ofType(client, "ToolCallEvent");
  expect(asked).toMatchObject({
    name: "bash",
    turn: 0,
    tool_call_id: "call_a",
    arguments: JSON.stringify(MARK),
    preview: expect.stringMatching(/^in .*\nwith .*PATH/),
    run_id: call?.run_id,
    session_id: call?.session_id,
  });
  expect(Number(asked.expires_at) - Number(asked.timestamp)).toBeCloseTo(300);
  expect(effects(server.workspaceDir)).toBe("");
  answer(client, asked, "allow", { source: "phone" });
  const decided = { approval_id: asked.approval_id, decision: "allow", scope: "once", reason: "answered" };
  const by = "platform-ws:phone";
  expect(await client.next("ApprovalResolvedEvent")).toMatchObject({ ...decided, by, tool_call_id: "call_a" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Done.", error: null });
  expect(ofType(client, "approve")).toEqual([{ type: "approve", ...decided, by, duplicate: false }]);
  expect(effects(server.workspaceDir)).toBe("ran\n");
  expect(model.requests[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: "(no output)" });
  await plain.next("OutboundEvent");
  expect(plain.frames.map(({ type }) => type)).toEqual(["InboundEvent", "OutboundEvent"]);
});

test("[APR2] a denial is told to the model; the first of two answers counts; other sessions go on meanwhile", async () => {
  await using model = await startScriptedModel((reply, request_) => {
    const last = request_.messages.at(-1);
    if (last?.role === "user" && last.content === "Do it") return calls()(reply, request_);
    return says(`heard: ${last?.content}`)(reply, request_);
  });
  await using server = await startServer({
    config: { llm: model.llm },
    files: { "agents/pickle/AGENT.md": "---\nname: Pickle\nmax_concurrency: 1\n---\nYou are Pickle.\n" },
  });
  await using client = await connectRaw(server.url, "?events=all");
  const { client: trpc, close } = connectTrpcWs(server.url);
  const { approval_id } = await request(client);
  const id = String(approval_id);
  client.send({ source: "other", content: "Hello" });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "heard: Hello" }); // one place, and it is free
  const answers = await Promise.allSettled([
    trpc.approve.mutate({ approval_id: id, decision: "deny", source: "a" }),
    trpc.approve.mutate({ approval_id: id, decision: "allow", source: "b" }),
    trpc.approve.mutate({ approval_id: id, decision: "deny", source: "c" }),
  ]);
  expect(answers).toMatchObject([
    { status: "fulfilled", value: { decision: "deny", by: "platform-ws:a", duplicate: false } },
    { status: "rejected", reason: { message: "Already denied by platform-ws:a", data: { code: "CONFLICT" } } },
    { status: "fulfilled", value: { decision: "deny", by: "platform-ws:a", duplicate: true } },
  ]);
  const reply = await client.next("OutboundEvent");
  expect(reply.content).toMatch(/^heard: Not done: the user denied this call\./);
  expect(await trpc.approve.mutate({ approval_id: id, decision: "deny" })).toMatchObject({ duplicate: true });
  await expect(trpc.approve.mutate({ approval_id: "none", decision: "deny" })).rejects.toMatchObject({
    message: 'Unknown approval "none"',
    data: { code: "NOT_FOUND" },
  });
  expect(ofType(client, "ApprovalResolvedEvent")).toHaveLength(1);
  expect(ofType(client, "ToolResultEvent")).toMatchObject([{ is_error: true }]);
  expect(effects(server.workspaceDir)).toBe("");
  await close();
});

test("[APR3] what reads as a message is one; a bad answer gets the error frame, and the socket stays", async () => {
  await using server = await startServer();
  await using client = await connectRaw(server.url);
  client.send({ type: "approve", approval_id: "x", decision: "allow", source: "old", content: "Hello" });
  expect(await client.next()).toMatchObject({ type: "InboundEvent", source: "platform-ws:old" });
  await client.next("OutboundEvent");
  for (const [frame, message] of [
    [{ type: "approve", decision: "allow" }, /^Validation error: approval_id: /],
    [{ type: "approve", approval_id: "x", decision: "yes" }, /^Validation error: decision: /],
    [{ type: "approve", approval_id: "x", decision: "allow", scope: "ever" }, /^Validation error: scope: /],
    [{ type: "approve", approval_id: "x", decision: "allow" }, /^Unknown approval "x"$/],
    [{ type: "approves", approval_id: "x", decision: "allow" }, /^Validation error: source: /],
  ] as const) {
    client.send(frame);
    expect(await client.next()).toEqual({ type: "error", message: expect.stringMatching(message) });
  }
});

test("[APR4] a request that nobody answers is denied when its time is over, which the model is told (X24)", async () => {
  await using model = await startScriptedModel(calls(), says("Nobody was there."));
  await using server = await startServer({ config: { llm: model.llm, approvals: { timeout_seconds: 0.3 } } });
  await using client = await connectRaw(server.url, "?events=all");
  const asked = await request(client);
  expect(await client.next("ApprovalResolvedEvent")).toMatchObject({
    ...{ approval_id: asked.approval_id, decision: "deny", reason: "expired", by: null },
  });
  expect(await client.next("OutboundEvent")).toMatchObject({ content: "Nobody was there.", error: null });
  expect(model.requests[1]?.messages.at(-1)?.content).toMatch(/^Not done: nobody allowed this call in time/);
  answer(client, asked, "allow");
  expect(await client.next("error")).toMatchObject({ message: "This request has expired" });
  expect(effects(server.workspaceDir)).toBe("");
});

test("[APR4] a run that is stopped while it waits ends at once; its request is settled, too", async () => {
  await using model = await startScriptedModel(calls());
  await using server = await startServer({ config: { llm: model.llm } });
  await using client = await connectRaw(server.url, "?events=all");
  const { client: trpc, close } = connectTrpcWs(server.url);
  const asked = await request(client);
  await trpc.abort.mutate({ run_id: String(asked.run_id) });
  expect(await client.next("OutboundEvent")).toMatchObject({ error: "Stopped by the user" });
  expect(ofType(client, "ApprovalResolvedEvent")).toMatchObject([{ decision: "deny", reason: "aborted", by: null }]);
  expect(ofType(client, "ToolResultEvent")).toMatchObject(
    [{ is_error: true, content: /^Not done: the run was/ }].map(({ content, ...rest }) => ({
      ...rest,
      content: expect.stringMatching(content),
    })),
  );
  answer(client, asked, "allow");
  expect(await client.next("error")).toMatchObject({ message: "The run that asked was stopped" });
  expect(await trpc.approvals.list.query()).toEqual([]);
  expect(effects(server.workspaceDir)).toBe("");
  await close();
});

describe("what an approval holds for", () => {
  test("[APR9] a script that changes after it was allowed is not run (X25)", async () => {
    await using model = await startScriptedModel(
      calls({ command: "sh tools/greet.sh" }),
      calls({ command: "sh tools/greet.sh" }),
      says("Done."),
    );
    await using server = await startServer({
      config: { llm: model.llm },
      files: { "tools/greet.sh": "echo one >> effects\n" },
    });
    await using client = await connectRaw(server.url, "?events=all");
    const asked = await request(client);
    expect(asked.preview).toMatch(/\nscript tools\/greet.sh \(sha256 [0-9a-f]{64}\)$/);
    writeFileSync(join(server.workspaceDir, "tools/greet.sh"), "echo two >> effects\n");
    answer(client, asked, "allow");
    expect(await client.next("ToolResultEvent")).toMatchObject({
      is_error: true,
      content: expect.stringMatching(/^Not done: what was allowed has changed since/),
    });
    const again = await client.next("ApprovalRequestedEvent");
    expect(again.preview).not.toBe(asked.preview);
    answer(client, again, "allow");
    await client.next("OutboundEvent");
    expect(effects(server.workspaceDir)).toBe("two\n");
  });

  test("[APR6] for the session: the same command is not asked about again, also after a kill -9; another is", async () => {
    const other = { command: "echo ran >> effects; true" };
    await using model = await startScriptedModel(
      calls(),
      calls(),
      says("1"),
      calls(),
      calls(other),
      says("2"),
      calls(),
      says("3"),
    );
    await using server = await startServer({ config: { llm: model.llm } });
    await using client = await connectRaw(server.url, "?events=all");
    answer(client, await request(client), "allow", { scope: "session" });
    await client.next("OutboundEvent");
    expect(ofType(client, "ApprovalRequestedEvent")).toHaveLength(1);
    expect(effects(server.workspaceDir)).toBe("ran\nran\n");
    await server.stop("SIGKILL");
    await server.start();
    await using later = await connectRaw(server.url, "?events=all");
    const asked = await request(later);
    expect(JSON.parse(String(asked.arguments))).toEqual(other);
    expect(effects(server.workspaceDir)).toBe("ran\nran\nran\n");
    answer(later, asked, "deny");
    await later.next("OutboundEvent");
    await request(later, "another session");
    expect(effects(server.workspaceDir)).toBe("ran\nran\nran\n");
  });
});
