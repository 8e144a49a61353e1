const SOCKET_PROTOCOLS: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
};

/** Where a server is. */
export interface ServerAddress {
  /** Of the router, over WebSocket. */
  readonly trpc: string;
  /** Of the images. */
  readonly attachments: string;
}

/** `http://host:8000` → `ws://host:8000/trpc` and so on. Throws TypeError for what is not the address of a server. */
export function toServerAddress(url: string): ServerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = SOCKET_PROTOCOLS[parsed?.protocol ?? ""];
  if (!parsed || !protocol) {
    throw new TypeError(`"${url}" is not the address of a my-bot server; it looks like http://127.0.0.1:8000`);
  }
  if (parsed.username !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError("The address of a my-bot server has no user, query or fragment; a token goes in `token`");
  }
  const path = parsed.pathname.replace(/\/+$/, "").replace(/\/trpc$/, "");
  const socketUrl = `${protocol}//${parsed.host}${path}`;
  return { trpc: `${socketUrl}/trpc`, attachments: `${socketUrl.replace(/^ws/, "http")}/attachments` };
}
