import { type BadInput, type Expected, frame, KEY, tcp, upgrade } from "./bad-input-case.ts";

const refused = { status: [400, 403, 404] };
const HOSTS = [
  "[",
  "a b",
  "",
  "a:99999",
  "127.0.0.1:x",
  "evil.example",
  "localhost.evil.example",
  "[::1",
  "::1",
  "%00",
  "a@b",
  "127.0.0.1, 127.0.0.1",
  "ſ",
  "\u0001",
];
const TARGETS = [
  "//",
  "//[::bad",
  "http://[",
  "*",
  "//evil.example/ws",
  "http://evil.example/ws",
  "ws",
  "/wsx",
  "/ws/",
  "/WS",
  "/%",
  "/..%2f..%2fetc/passwd",
  "/ws#x",
  "/trpc/x",
];
const ORIGINS = ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1", "file://", "x"];

/** Upgrades with something wrong in their headers. */
export function badUpgrades(): BadInput[] {
  const of = (name: string, path: string, changes: Parameters<typeof upgrade>[1], expected: Expected) =>
    tcp(`upgrade ${name}`, upgrade(path, changes), expected);
  return ["/ws", "/trpc"].flatMap((path) => [
    ...HOSTS.map((Host) => of(`${path} Host ${JSON.stringify(Host)}`, path, { Host }, refused)),
    ...ORIGINS.map((Origin) => of(`${path} Origin ${Origin}`, path, { Origin }, { status: [403] })),
    of(`${path} no Host`, path, { Host: undefined }, refused),
    of(`${path} no key`, path, { "Sec-WebSocket-Key": undefined }, { status: [400] }),
    ...["short", "", `${KEY}x`, "\u00ff"].map((key) =>
      of(`${path} key ${key}`, path, { "Sec-WebSocket-Key": key }, { status: [400] }),
    ),
    ...["0", "12", "99", "x", ""].map((version) =>
      of(`${path} version ${version}`, path, { "Sec-WebSocket-Version": version }, { status: [400, 426] }),
    ),
    ...["h2c", "x"].map((Upgrade) => of(`${path} Upgrade ${Upgrade}`, path, { Upgrade }, { status: [400, 404, 426] })),
    of(`${path} protocol`, path, { "Sec-WebSocket-Protocol": "," }, { status: [400] }),
    of(`${path} extension`, path, { "Sec-WebSocket-Extensions": 'permessage-deflate; x="' }, "alive"),
    tcp(`${path} POST upgrade`, upgrade(path).replace("GET", "POST"), { status: [405, 400] }),
    tcp(`${path} two Hosts`, upgrade(path, { "X-A": "b\r\nHost: evil.example" }), refused),
    tcp(`${path} big header`, upgrade(path, { "X-A": "a".repeat(20_000) }), { status: [431] }),
    tcp(`${path} HTTP/1.0`, upgrade(path).replace("HTTP/1.1", "HTTP/1.0"), "alive"),
    tcp(`${path} frame at once`, Buffer.concat([Buffer.from(upgrade(path)), frame(1, "{")]), "alive"),
  ]);
}

/** Requests and bytes that are no request. */
export function badRequests(): BadInput[] {
  const post = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    '{"source":1}',
    '{"source":"a"}',
    `{"__proto__":{}}`,
    "[".repeat(5000),
    "\u0000",
  ];
  const paths = [
    "info?input={",
    "events?input=[",
    "nope",
    "send",
    "a.b.c.d",
    "__proto__",
    "constructor",
    "info,info?batch=1&input=x",
    `${"info,".repeat(99)}info?batch=1`,
    "%ff",
    "sessions.get?input=%7B%22session_id%22%3A5%7D",
    "events?input=%7B%22lastEventId%22%3A%22x%22%7D",
  ];
  return [
    ...bodies.map((body) =>
      tcp(`POST send ${body.slice(0, 20)}`, post("/trpc/send", body), { status: [400, 413, 415] }),
    ),
    ...paths.map((path) =>
      tcp(`GET ${path.slice(0, 30)}`, get(`/trpc/${path}`), { status: [200, 207, 400, 404, 405, 413] }),
    ),
    ...["", "GIF89a", "\u0000", "<svg/>", "\u0089PNG"].map((body) =>
      tcp(`upload ${JSON.stringify(body)}`, post("/attachments", body), { status: [400] }),
    ),
    ...["x", "%", "..%2f..%2fmy-bot.db", "__proto__", "a".repeat(5000)].map((id) =>
      tcp(`GET attachment ${id.slice(0, 20)}`, get(`/attachments/${id}`), { status: [404] }),
    ),
    tcp("huge upload", "POST /attachments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\nx", {
      status: [413],
    }),
    ...TARGETS.map((target) => tcp(`upgrade to ${target}`, upgrade(target), refused)),
    ...TARGETS.map((target) => tcp(`GET ${target}`, get(target), { status: [200, 400, 403, 404, 500] })),
    ...["BREW", "get", "", "G\u0000T", "CONNECT", "TRACE", "A".repeat(200)].map((method) =>
      tcp(`method ${method.slice(0, 20)}`, `${method} /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, "alive"),
    ),
    tcp("garbage", Buffer.from([0, 255, 1, 2, 3, 10, 13, 10]), "alive"),
    tcp("TLS hello", Buffer.from("16030100c8010000c403035f", "hex"), "alive"),
    tcp("only newlines", "\r\n".repeat(500), "alive"),
    tcp("nothing", "", "alive"),
    tcp("half a request", "GET /ws HTTP/1.1\r\nHos", "alive"),
    tcp("negative length", "POST /trpc/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", {
      status: [400],
    }),
    tcp(
      "length and chunks",
      "POST /trpc/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "alive",
    ),
    tcp(
      "broken chunk",
      "POST /trpc/send HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "alive",
    ),
    tcp(
      "huge length",
      "POST /trpc/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\nx",
      "alive",
    ),
  ];
}

const QUERIES = [
  "after=abc",
  "after=-1",
  "after=1e30",
  "after=%7B%7D",
  "after=",
  "after=%00",
  `after=${"9".repeat(500)}`,
  "events=none",
  "events=",
  "after=00000000-x",
  "after=zzzzzzzz-1",
  "after=0&events=ALL",
];

/** Upgrades to /ws with a query that asks for what there is not. */
export function badQueries(): BadInput[] {
  return QUERIES.map((query) => tcp(`/ws?${query.slice(0, 40)}`, upgrade(`/ws?${query}`), { close: [1008] }));
}
