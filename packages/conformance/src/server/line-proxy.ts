import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between clients and the server, so that connections can be lost without the server's doing. */
export interface LineProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every open connection, in the middle of whatever it carries. */
  drop(): void;
}

export async function startLineProxy(targetPort: number): Promise<LineProxy> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const drop = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    drop,
    [Symbol.asyncDispose]: async () => {
      server.close();
      drop();
      await once(server, "close");
    },
  };
}
