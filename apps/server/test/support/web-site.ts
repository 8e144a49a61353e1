import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type NetworkPolicy, publicInternet } from "../../src/agent/web/network-policy.ts";

export interface WebSite extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: readonly string[];
}

/** A real HTTP server on loopback, which only `loopbackSite` lets the web tools reach. */
export async function startWebSite(onRequest: RequestListener): Promise<WebSite> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    onRequest(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The real rules, but for one address: 127.0.0.1 stands for the public internet, and `site.example` for its name. */
export const loopbackSite: NetworkPolicy = {
  resolve: (hostname) =>
    hostname === "site.example" ? Promise.resolve(["127.0.0.1"]) : publicInternet.resolve(hostname),
  refuse: (host) => (host === "127.0.0.1" ? undefined : publicInternet.refuse(host)),
};
