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

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

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

/** The connection was ended without a close frame. */
export const NO_CODE = 0;

/** Sent from the first byte. */
export const tcp = (name: string, value: string | Buffer, expected: Expected): BadInput => ({
  name: `tcp ${name}`,
  door: "tcp",
  expected,
  bytes: Buffer.from(value),
});
