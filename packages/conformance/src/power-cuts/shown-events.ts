import type { LoggedEvent } from "../ledger/ledger.ts";
import { isDurable, text, toLogged, type WireEvent } from "../wire/wire-event.ts";
import type { TraceStep } from "./trace-steps.ts";

/** A durable event that went out to a client. */
export interface ShownEvent {
  /** The step with which the call began that wrote its last byte. */
  readonly step: number;
  readonly event: LoggedEvent;
}

const TEXT_FRAME = 0x81; // whole, not compressed
const COMPRESSED = 0x40;

/** What was written to WebSockets with `events=all`, in the order in which it went out. */
export function findShownEvents(steps: readonly TraceStep[]): ShownEvent[] {
  const sockets = new Map<string, SocketStream>();
  const shown: ShownEvent[] = [];
  for (const [step, { at, call }] of steps.entries()) {
    const { work, result } = call;
    if (at !== "begin" || work.kind !== "write" || !work.file.startsWith("socket:")) continue;
    const stream = sockets.get(work.file) ?? new SocketStream();
    sockets.set(work.file, stream);
    for (const frame of stream.add(work.data.subarray(0, result))) {
      const event: WireEvent = JSON.parse(frame);
      const cursor = text(event.cursor);
      if (cursor !== undefined && isDurable(event)) shown.push({ step, event: toLogged(cursor, event) });
    }
  }
  return shown;
}

/** The bytes that a server wrote to one connection. */
class SocketStream {
  #rest = Buffer.alloc(0);
  #isWebSocket: boolean | undefined; // undefined: it has not answered yet

  /** Returns the text frames that are whole now. */
  add(bytes: Buffer): string[] {
    if (this.#isWebSocket === false) return [];
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#isWebSocket === undefined) this.#readHead();
    const frames: string[] = [];
    if (!this.#isWebSocket) return frames;
    for (let frame = this.#takeFrame(); frame !== undefined; frame = this.#takeFrame()) {
      if (frame.head === TEXT_FRAME) frames.push(frame.payload.toString());
      if ((frame.head & COMPRESSED) !== 0) throw new Error("The server compresses frames; they cannot be judged here");
    }
    return frames;
  }

  #readHead(): void {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.#isWebSocket = this.#rest.subarray(0, 12).toString() === "HTTP/1.1 101";
    this.#rest = this.#rest.subarray(end + 4);
  }

  /** Of a server: never masked. */
  #takeFrame(): { head: number; payload: Buffer } | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const short = bytes.readUInt8(1) & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return undefined;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return undefined;
    this.#rest = bytes.subarray(start + length);
    return { head: bytes.readUInt8(0), payload: bytes.subarray(start, start + length) };
  }
}
