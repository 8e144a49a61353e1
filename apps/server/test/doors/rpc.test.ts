import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { connectTrpcHttp, connectTrpcWs, followTrpc } from "../support/trpc-client.ts";

test("[RPC1] send is acknowledged with a receipt, and its message_id makes it idempotent", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const input = { source: "test", content: "Hi", message_id: "m1" };
  const first = await client.send.mutate(input);
  expect(first).toMatchObject({ message_id: "m1", duplicate: false });
  expect(await client.send.mutate(input)).toEqual({ ...first, duplicate: true });
  expect(await connectTrpcHttp(server.url).send.mutate(input)).toEqual({ ...first, duplicate: true });
  await expect(client.send.mutate({ ...input, content: "Other" })).rejects.toMatchObject({
    data: { code: "CONFLICT" },
  });
  const another = await client.send.mutate({ ...input, source: "somebody-else" });
  expect(another.duplicate).toBe(false); // ids belong to their source
  await close();
});

test("[RPC2] stock clients follow events over ws and over server-sent events alike, each with an id", async () => {
  await using model = await startScriptedModel(says("Hello ", "there"));
  await using server = await startServer({ config: { llm: model.llm } });
  const { client, close } = connectTrpcWs(server.url);
  const http = connectTrpcHttp(server.url);
  const overWs = followTrpc(client, { lastEventId: "0" });
  const overHttp = followTrpc(http, { lastEventId: "0" });
  await Promise.all([overWs.next("SyncedEvent"), overHttp.next("SyncedEvent")]);
  await http.send.mutate({ source: "test", content: "Hi" });
  for (const followed of [overWs, overHttp]) {
    await followed.next("RunEndedEvent");
    expect(followed.all.map(({ data }) => data.type)).toEqual([
      "SyncedEvent",
      "SessionEvent",
      "InboundEvent",
      "RunStartedEvent",
      "DeltaEvent",
      "DeltaEvent",
      "OutboundEvent",
      "RunEndedEvent",
    ]);
    expect(followed.all.every(({ id }) => id.length > 0)).toBe(true);
  }
  overWs.stop();
  overHttp.stop();
  await close();
});

test("[RPC2] a subscription resumes by itself across kill -9, with no gap and no double", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const followed = followTrpc(client, { types: ["InboundEvent"] });
  await followed.next("SyncedEvent");
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5; i++) await client.send.mutate({ source: "test", content: `${round}.${i}` });
    await server.stop("SIGKILL");
    await server.start();
  }
  await client.send.mutate({ source: "test", content: "last" });
  const contents: string[] = [];
  while (contents.at(-1) !== "last") {
    const { data } = await followed.next("InboundEvent");
    if (data.type === "InboundEvent") contents.push(data.content);
  }
  expect(contents).toEqual([..."012"].flatMap((round) => [..."01234"].map((i) => `${round}.${i}`)).concat("last"));
  followed.stop();
  await close();
});

test("[RPC3] sessions are listed, read, created, renamed and deleted", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const followed = followTrpc(client, { types: ["OutboundEvent", "SessionEvent"] });
  const question = `${"What a long question this is, ".repeat(3)}`;
  const { session_id } = await client.send.mutate({ source: "test", content: question });
  await followed.next("OutboundEvent");
  expect(await client.sessions.get.query({ session_id })).toMatchObject({
    source: "platform-ws:test",
    agent_id: "pickle",
    title: question.slice(0, 50),
    message_count: 2,
    open_runs: 0,
  });
  const created = await client.sessions.create.mutate({ source: "test", title: "Second" });
  const receipt = await client.send.mutate({ source: "test", content: "Hi", session_id: created.session_id });
  expect(receipt.session_id).toBe(created.session_id);
  await followed.next("OutboundEvent");
  await client.sessions.rename.mutate({ session_id, title: "First" });
  const { sessions, next } = await client.sessions.list.query({ limit: 1 });
  expect([sessions.map(({ title }) => title), next]).toEqual([["Second"], expect.any(String)]);
  const rest = await client.sessions.list.query({ limit: 1, page: next ?? "" });
  expect([rest.sessions.map(({ title }) => title), rest.next]).toEqual([["First"], null]);

  const page = await client.sessions.history.query({ session_id, limit: 2 });
  expect(page.records.map(({ event }) => event.type)).toEqual(["RunEndedEvent", "SessionEvent"]);
  const earlier = await client.sessions.history.query({ session_id, before: page.before ?? "" });
  expect(earlier.records.map(({ event }) => event.type)).toEqual([
    "SessionEvent",
    "InboundEvent",
    "RunStartedEvent",
    "OutboundEvent",
  ]);
  expect(earlier.before).toBeNull();

  await client.sessions.delete.mutate({ session_id });
  await expect(client.sessions.get.query({ session_id })).rejects.toMatchObject({ data: { code: "NOT_FOUND" } });
  const after = await client.send.mutate({ source: "test", content: "Hi again" });
  expect(after.session_id).not.toBe(session_id);
  followed.stop();
  await close();
});

test("[RPC3] [RPC4] sessions.get tells what runs and what waits, in order, and each of them can be stopped (P19)", async () => {
  const finish = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (reply) => {
    await finish.promise;
    reply.text("Done.");
    reply.finish("stop");
  });
  await using server = await startServer({ config: { llm: model.llm } });
  const { client, close } = connectTrpcWs(server.url);
  const followed = followTrpc(client, { lastEventId: "0" });
  const contents = ["first", "🐈".repeat(250), "third"];
  const receipts = [];
  for (const content of contents) receipts.push(await client.send.mutate({ source: "test", content }));
  await followed.next("RunStartedEvent");
  const [first, second, third] = receipts.map(({ run_id, message_id }) => ({ run_id, message_id }));
  const { session_id } = receipts[0] ?? { session_id: "" };
  const get = () => client.sessions.get.query({ session_id });
  const { runs, open_runs } = await get();
  expect(runs).toEqual([
    { ...first, content: "first", state: "running", timestamp: expect.any(Number) },
    { ...second, content: "🐈".repeat(200), state: "queued", timestamp: expect.any(Number) },
    { ...third, content: "third", state: "queued", timestamp: expect.any(Number) },
  ]);
  expect(open_runs).toBe(3);
  await client.abort.mutate({ run_id: second?.run_id ?? "" });
  expect((await get()).runs.map(({ run_id }) => run_id)).toEqual([first?.run_id, third?.run_id]);
  await server.stop("SIGKILL"); // the queue is in the log
  await server.start();
  expect((await get()).runs.map(({ content }) => content)).toEqual(["first", "third"]);
  finish.resolve();
  await expect.poll(async () => (await get()).runs, { timeout: 15_000 }).toEqual([]);
  followed.stop();
  await close();
});

test("[RPC5] faults of the caller are told in one line, without a stack or an internal name", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const refusal = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => expect.unreachable("it was accepted"),
      (cause: { message: string; data: object }) => cause,
    );
    expect(error.data).not.toHaveProperty("stack");
    return error.message;
  };
  expect(await refusal(client.send.mutate({ source: "", content: "Hi" }))).toMatch(/^Validation error: source: /);
  expect(await refusal(client.send.mutate({ source: "t", content: "Hi", agent_id: "nobody" }))).toMatch(/known: /);
  expect(await refusal(client.send.mutate({ source: "t", content: "Hi", session_id: "x" }))).toMatch(/Unknown session/);
  expect(await refusal(client.sessions.list.query({ page: "x" }))).toMatch(/Malformed page/);
  expect(await refusal(client.send.mutate({ source: "t", content: "x".repeat(65_537) }))).toMatch(/limit is 65536/);
  const bad = followTrpc(client, { lastEventId: "abc" });
  expect((await bad.nextError()).message).toMatch(/Malformed cursor/);
  const unknown = followTrpc(client, { types: ["Nonsense"] });
  expect((await unknown.nextError()).message).toMatch(/Unknown event type "Nonsense"/);
  await close();
});

test("[RPC6] batches and subscriptions of one connection are bounded; the connection goes on", async () => {
  await using server = await startServer();
  const { client, close } = connectTrpcWs(server.url);
  const followed = Array.from({ length: 50 }, () => followTrpc(client, undefined));
  await Promise.all(followed.map((one) => one.next("SyncedEvent")));
  expect((await followTrpc(client, undefined).nextError()).message).toMatch(/More than 50 subscriptions/);
  for (const one of followed) one.stop();
  await followTrpc(client, undefined).next("SyncedEvent"); // stopped ones leave room
  await close();

  const socket = new WebSocket(`${server.url.replace("http", "ws")}/trpc`);
  const answers: string[] = [];
  const answered = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      answers.push(data.toString());
      if (answers.length === 51) resolve();
    });
  });
  socket.on("open", () => {
    const batch = Array.from({ length: 51 }, (_, id) => ({ id, method: "query", params: { path: "info" } }));
    socket.send(JSON.stringify(batch));
  });
  await answered;
  expect(answers.every((answer) => answer.includes("Batch call exceeds maximum size"))).toBe(true);
  socket.close();
});

test("[RPC7] info and agents tell what this server is", async () => {
  await using server = await startServer();
  const http = connectTrpcHttp(server.url);
  const [info, agents] = await Promise.all([http.info.query(), http.agents.list.query()]);
  expect(info).toMatchObject({
    name: "my-bot",
    protocol_version: 1,
    llm: { mode: "offline" },
    default_agent: "pickle",
  });
  expect(agents.map(({ agent_id, is_default }) => [agent_id, is_default]).sort()).toEqual([
    ["cookie", false],
    ["pickle", true],
  ]);
});
