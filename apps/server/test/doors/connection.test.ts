import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Connection } from "../../src/transport/connection.ts";
import { Config } from "../../src/workspace/config.ts";

const { limits } = Config.parse({ api: { limits: { buffered_bytes: 100_000 } } }).api;

/** A connection whose peer does not read yet. */
async function openConnection() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1").pause();
  const [socket]: Socket[] = await once(server, "connection");
  if (!socket) throw new Error("No socket");
  for (const end of [peer, socket]) end.on("error", () => undefined); // a reset, when it closes
  const close = (): void => {
    peer.destroy();
    socket.destroy();
    server.close();
  };
  return { peer, socket, connection: new Connection(socket, limits), [Symbol.dispose]: close };
}

test("[DOOR8] [BUS7] what is written cuts nobody off, however much it is; asking on without reading does", async () => {
  using open = await openConnection();
  const { connection, socket } = open;
  expect(connection.admitFrame()).toBe(true);
  while (connection.write(Buffer.alloc(1_000_000)));
  for (let answers = 0; answers < 10; answers += 1) connection.write(Buffer.alloc(1_000_000)); // of one batch of calls
  expect(socket.destroyed).toBe(false);
  expect(connection.admitFrame()).toBe(false);
  expect(socket.destroyed).toBe(true);
});

test.each(["drains", "closes"])(
  "[BUS7] all who wait for a full socket go on when it %s, and wait with one listener",
  async (how) => {
    using open = await openConnection();
    const { connection, peer, socket } = open;
    while (connection.write(Buffer.alloc(1_000_000)));
    const before = socket.listenerCount("drain");
    const waiting = Array.from({ length: 50 }, () => new Promise<void>((resolve) => connection.onceDrained(resolve)));
    expect(connection.writable()).toBeInstanceOf(Promise);
    expect(socket.listenerCount("drain")).toBe(before + 1);
    if (how === "drains") peer.resume();
    else peer.destroy();
    await Promise.all(waiting);
    expect(connection.writable()).toBeUndefined();
    expect(socket.listenerCount("drain")).toBe(before);
  },
);
