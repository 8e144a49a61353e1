import { startLineProxy } from "@my-bot/conformance/line-proxy";
import * as oldest from "@my-bot/oldest-trpc";
import type { BotEvent, Gateway } from "@my-bot/protocol";
import * as newest from "@trpc/client";
import { describe, expect, test } from "vitest";
import { Config } from "../../src/workspace/config.ts";
import { openBareGateway } from "../support/bare-gateway.ts";
import { MessageQueue } from "../support/message-queue.ts";
import { type StartRpcDoor, startOurDoor, startStockDoor } from "../support/rpc-doors.ts";
import { tempDir } from "../support/temp-dir.ts";

const CONFIG = Config.parse({ api: { port: 0 } });

/** What stands between the test and one version of the stock client, which knows nothing of our types. */
interface StockClient extends AsyncDisposable {
  query(path: string, input?: unknown): Promise<unknown>;
  mutation(path: string, input?: unknown): Promise<unknown>;
  subscription(
    path: string,
    input: unknown,
    handlers: { onData(data: unknown): void; onError(error: unknown): void; onComplete(): void },
  ): { unsubscribe(): void };
}

type Connect = (port: number) => StockClient;

const CLIENTS: Record<string, Connect> = {
  "the oldest client, 11.0": (port) => {
    const ws = oldest.createWSClient({ url: `ws://127.0.0.1:${port}/trpc`, retryDelayMs: () => 20 });
    const client = oldest.createTRPCUntypedClient({ links: [oldest.wsLink({ client: ws })] });
    return stockClient(client, ws);
  },
  "the newest client": (port) => {
    const ws = newest.createWSClient({ url: `ws://127.0.0.1:${port}/trpc`, retryDelayMs: () => 20 });
    const client = newest.createTRPCUntypedClient({ links: [newest.wsLink({ client: ws })] });
    return stockClient(client, ws);
  },
};
const DOORS: Record<string, StartRpcDoor> = { "our transport": startOurDoor, "the stock adapter": startStockDoor };

function stockClient(
  client: Omit<StockClient, typeof Symbol.asyncDispose>,
  ws: { close(): Promise<void> | void },
): StockClient {
  return {
    query: (path, input) => client.query(path, input),
    mutation: (path, input) => client.mutation(path, input),
    subscription: (path, input, handlers) => client.subscription(path, input, handlers),
    [Symbol.asyncDispose]: async () => ws.close(),
  };
}

interface Tracked {
  readonly id: string;
  readonly data: BotEvent;
}

function follow(client: StockClient, input?: object) {
  const queue = new MessageQueue<Tracked>();
  const ends = new MessageQueue<unknown>();
  const subscription = client.subscription("events", input, {
    onData: (tracked) => queue.push(tracked as Tracked),
    onError: (error) => ends.push(error),
    onComplete: () => ends.push("complete"),
  });
  const next = (type: BotEvent["type"]) => queue.next(type, ({ data }) => data.type === type);
  return { ...subscription, all: queue.all, next, nextEnd: () => ends.next("an end") };
}

const messageOf = ({ data }: Tracked) => (data.type === "InboundEvent" ? data.content : undefined);
const send = (client: StockClient, content: string) =>
  client.mutation("send", { source: "a", content, message_id: content });

interface Setup extends AsyncDisposable {
  readonly client: StockClient;
  readonly gateway: Gateway;
  /** Cuts the client off, in the middle of whatever it is told. */
  drop(): void;
}

async function setUp(startDoor: StartRpcDoor, connect: Connect): Promise<Setup> {
  const dir = tempDir();
  const { gateway, bus } = openBareGateway(dir.path, CONFIG);
  const door = await startDoor(gateway, CONFIG.api);
  const line = await startLineProxy(door.port);
  const client = connect(line.port);
  return {
    client,
    gateway,
    drop: line.drop,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await line[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      await bus.close();
      dir[Symbol.dispose]();
    },
  };
}

const PAIRS = Object.entries(CLIENTS).flatMap(([client, connect]) =>
  Object.entries(DOORS).map(([door, startDoor]) => ({ client, door, connect, startDoor })),
);

describe.each(PAIRS)("[RPC9] $client at $door", ({ connect, startDoor }) => {
  test("[RPC9] queries and mutations are answered, many at once, each with its own answer", async () => {
    await using setup = await setUp(startDoor, connect);
    const { client } = setup;
    const contents = Array.from({ length: 20 }, (_, i) => `m${i}`);
    const [info, ...receipts] = await Promise.all([
      client.query("info"),
      ...contents.map((text) => send(client, text)),
    ]);
    expect(info).toMatchObject({ name: "my-bot" });
    expect(receipts.map((receipt) => (receipt as { message_id: string }).message_id)).toEqual(contents);
    expect(await send(client, "m3")).toEqual({ ...(receipts[3] as object), duplicate: true });
  });

  test("[RPC9] faults reject with their code and one line", async () => {
    await using setup = await setUp(startDoor, connect);
    const { client } = setup;
    const faults: [Promise<unknown>, string, RegExp][] = [
      [client.mutation("send", { source: "" }), "BAD_REQUEST", /^Validation error: source/],
      [client.query("sessions.get", { session_id: "nobody" }), "NOT_FOUND", /^Unknown session "nobody"$/],
      [client.query("nowhere"), "NOT_FOUND", /nowhere/],
    ];
    for (const [answer, code, message] of faults) {
      await expect(answer).rejects.toMatchObject({ message: expect.stringMatching(message), data: { code } });
    }
  });

  test("[RPC9] a subscription tells what there was, then what comes, each with its id, until it is ended", async () => {
    await using setup = await setUp(startDoor, connect);
    const { client } = setup;
    await send(client, "before");
    const followed = follow(client, { lastEventId: "0" });
    await followed.next("SyncedEvent");
    await send(client, "after");
    await followed.next("InboundEvent");
    expect(followed.all.map(({ data }) => data.type)).toEqual([
      "SessionEvent",
      "InboundEvent",
      "SyncedEvent",
      "InboundEvent",
    ]);
    expect(new Set(followed.all.map(({ id }) => id)).size).toBe(4);
    followed.unsubscribe();
    const other = follow(client);
    await other.next("SyncedEvent");
    await send(client, "later");
    await other.next("InboundEvent");
    expect(followed.all).toHaveLength(4);
  });

  test("[RPC9] a subscription that cannot be had fails with its code", async () => {
    await using setup = await setUp(startDoor, connect);
    const followed = follow(setup.client, { types: ["Nonsense"] });
    expect(await followed.nextEnd()).toMatchObject({ data: { code: "BAD_REQUEST" } });
  });

  test("[RPC9] it resumes by itself when the line is cut, again and again: nothing is missed or doubled", async () => {
    await using setup = await setUp(startDoor, connect);
    const { client, gateway, drop } = setup;
    const followed = follow(client, { types: ["InboundEvent"] });
    await followed.next("SyncedEvent");
    const contents = Array.from({ length: 60 }, (_, i) => `m${i}`);
    for (const [index, content] of contents.entries()) {
      void gateway.send({ source: "b", content });
      if (index % 10 === 5) drop();
      if (index % 10 === 9) await followed.next("InboundEvent");
    }
    for (;;) if (messageOf(await followed.next("InboundEvent")) === contents.at(-1)) break;
    expect(followed.all.flatMap((tracked) => messageOf(tracked) ?? [])).toEqual(contents);
  });
});
