import { createHash } from "node:crypto";

/** What a correct server does. `alive`: anything that leaves it alive and tells nothing. */
export type Expected =
  | "alive"
  | "error" // one error, and the socket stays open
  | { readonly status: readonly number[] }
  | { readonly close: readonly number[] };

export interface BadInput {
  readonly name: string;
  readonly expected: Expected;
  /** `raw` and `rpc`: sent after an upgrade to /ws or /trpc; `tcp`: from the first byte. */
  readonly door: "tcp" | "raw" | "rpc";
  readonly bytes: Buffer;
}

/** A client's frame, masked with zeros unless told. */
export function frame(
  opcode: number,
  payload: Buffer | string,
  flags: { first?: number; mask?: boolean } = {},
): Buffer {
  const body = Buffer.from(payload);
  const mask = flags.mask === false ? 0 : 0x80;
  const length =
    body.length < 126
      ? [mask | body.length]
      : body.length < 65_536
        ? [mask | 126, body.length >> 8, body.length & 255]
        : [mask | 127, 0, 0, 0, 0, ...uint32(body.length)];
  return Buffer.concat([Buffer.from([flags.first ?? 0x80 | opcode, ...length]), Buffer.alloc(mask ? 4 : 0), body]);
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The headers of a correct upgrade; an undefined one is left out. */
export function upgrade(path: string, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const headers: Record<string, string | undefined> = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

const accept = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
/** What a correct answer to the upgrade holds. */
export const ACCEPT_HEADER = `Sec-WebSocket-Accept: ${accept}`;

const text = (name: string, door: "raw" | "rpc", value: string, expected: Expected): BadInput => ({
  name: `${door} ${name}`,
  door,
  expected,
  bytes: frame(1, value),
});

const tcp = (name: string, value: string | Buffer, expected: Expected): BadInput => ({
  name: `tcp ${name}`,
  door: "tcp",
  expected,
  bytes: Buffer.from(value),
});

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

function upgrades(): BadInput[] {
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

function requests(): BadInput[] {
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

/** The connection was ended without a close frame. */
export const NO_CODE = 0;

function frames(): BadInput[] {
  const doors = ["raw", "rpc"] as const;
  const one = (name: string, bytes: Buffer, expected: Expected): BadInput[] =>
    doors.map((door) => ({ name: `${door} frame ${name}`, door, bytes, expected }));
  const message = `{"source":"a","content":"b"}`;
  const broken = { close: [1002] };
  return [
    ...one("not masked", frame(1, message, { mask: false }), broken),
    ...[0xc1, 0xa1, 0x91].flatMap((first) => one(`reserved bit ${first}`, frame(1, message, { first }), broken)),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => one(`opcode ${opcode}`, frame(opcode, "x"), broken)),
    ...one("continuation of nothing", frame(0, "x"), broken),
    ...one("text inside a text", Buffer.concat([frame(1, "{", { first: 1 }), frame(1, "}")]), broken),
    ...one("long ping", frame(9, "x".repeat(126)), broken),
    ...one("ping in pieces", frame(9, "x", { first: 9 }), broken),
    ...one("not UTF-8", frame(1, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), { close: [1007] }),
    ...one("lone surrogate", frame(1, Buffer.from([0xed, 0xa0, 0x80])), { close: [1007] }),
    ...one("overlong", frame(1, Buffer.from([0xc0, 0xaf])), { close: [1007] }),
    // A peer that goes on writing to a closed connection gets a reset, and may lose the close code to it.
    ...one("2 MiB", frame(1, Buffer.alloc(2 * 1024 * 1024, 97)), { close: [1009, NO_CODE] }),
    ...one("announced 8 EiB", Buffer.from([0x81, 0xff, 0x7f, ...Array<number>(11).fill(255)]), { close: [1009] }),
    ...one("announced 2 GiB", Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 255, 255, 255, 0, 0, 0, 0]), {
      close: [1009],
    }),
    ...one("close of one byte", frame(8, "x"), broken),
    ...[0, 999, 1004, 1005, 1006, 1015, 2999].flatMap((code) =>
      one(`close code ${code}`, frame(8, Buffer.from([code >> 8, code & 255])), broken),
    ),
    ...one("close reason not UTF-8", frame(8, Buffer.from([3, 232, 0xff])), { close: [1007] }),
    ...one("half a frame", Buffer.from([0x81, 0xfe, 0x01]), "alive"),
    ...one("1000 pings", Buffer.concat(Array<Buffer>(1000).fill(frame(9, "p"))), "alive"),
    ...one("an empty pong", frame(10, ""), "alive"),
    ...one(
      "1000 empty pieces",
      Buffer.concat([frame(1, "", { first: 1 }), ...Array<Buffer>(1000).fill(frame(0, "", { first: 0 }))]),
      "alive",
    ),
  ];
}

function messages(): BadInput[] {
  const raw = [
    "",
    " ",
    "{",
    "}",
    "null",
    "true",
    "1",
    "1e999",
    '"x"',
    "[]",
    "{}",
    "[{}]",
    '{"source":"a"}',
    '{"content":"a"}',
    '{"source":"","content":"a"}',
    '{"source":"a","content":""}',
    '{"source":1,"content":"a"}',
    '{"source":"a","content":1}',
    '{"source":null,"content":null}',
    '{"source":["a"],"content":"a"}',
    '{"source":"a","content":{"a":1}}',
    `{"source":"${"a".repeat(300)}","content":"a"}`,
    '{"source":"a","content":"a","agent_id":5}',
    '{"source":"a","content":"a","agent_id":"nobody"}',
    '{"source":"a","content":"a","agent_id":"../../etc"}',
    '{"source":"a","content":"a","message_id":""}',
    '{"source":"a","content":"a","message_id":7}',
    `{"source":"a","content":"a","message_id":"${"m".repeat(200)}"}`,
    '{"__proto__":{"source":"a","content":"b"}}',
    "[".repeat(100_000),
    `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
    `{"source":"a","content":"${"c".repeat(70_000)}"}`,
    "{'source':'a'}",
    '{"source":"a","content":"b"',
    '{"source":"a","content":"b"}{}',
    "undefined",
    "NaN",
    "<xml/>",
    "GET / HTTP/1.1",
    "\ufeff{}",
    "\u0000",
  ];
  const rpc = [
    "",
    "{",
    "null",
    "1",
    '"x"',
    "[]",
    "{}",
    "[{}]",
    "[null]",
    '{"id":1}',
    '{"id":1,"method":"nope"}',
    '{"id":1,"method":"query"}',
    '{"id":1,"method":"query","params":null}',
    '{"id":1,"method":"query","params":{}}',
    '{"id":{},"method":"query","params":{"path":"info"}}',
    '{"id":1,"method":"query","params":{"path":5}}',
    '{"id":1,"method":"query","params":{"path":"nope"}}',
    '{"id":1,"method":"query","params":{"path":"__proto__"}}',
    '{"id":1,"method":"query","params":{"path":"constructor.constructor"}}',
    '{"id":1,"method":"mutation","params":{"path":"info"}}',
    '{"id":1,"method":"mutation","params":{"path":"send","input":null}}',
    '{"id":1,"method":"mutation","params":{"path":"send","input":{"json":{}}}}',
    '{"id":1,"method":"mutation","params":{"path":"sessions.delete","input":{"session_id":"x"}}}',
    '{"id":1,"method":"mutation","params":{"path":"abort","input":{}}}',
    '{"id":1,"method":"subscription","params":{"path":"send"}}',
    '{"id":1,"method":"subscription","params":{"path":"events","input":{"lastEventId":"x"}}}',
    '{"id":1,"method":"subscription","params":{"path":"events","input":{"types":["Nope"]}}}',
    '{"id":1,"method":"subscription.stop"}',
    '{"id":1,"jsonrpc":"1.0","method":"query","params":{"path":"info"}}',
    '{"method":"connectionParams","data":5}',
    "[".repeat(100_000),
    `[${'{"id":1,"method":"query","params":{"path":"info"}},'.repeat(200)}1]`,
    "PING",
    "PONG",
    "\u0000",
  ];
  return [
    ...raw.map((value, index) => text(`JSON ${index} ${value.slice(0, 30)}`, "raw", value, "error")),
    ...rpc.map((value, index) => text(`message ${index} ${value.slice(0, 40)}`, "rpc", value, "alive")),
    { name: "raw binary message", door: "raw", bytes: frame(2, '{"source":"a","content":"b"}'), expected: "error" },
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

function queries(): BadInput[] {
  return QUERIES.map((query) => tcp(`/ws?${query.slice(0, 40)}`, upgrade(`/ws?${query}`), { close: [1008] }));
}

/** All of them, in a fixed order. */
export function badInputs(): BadInput[] {
  return [...upgrades(), ...requests(), ...queries(), ...frames(), ...messages()];
}
