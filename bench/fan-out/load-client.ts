import { connect, type Socket } from "node:net";

/** How a client of a peer says that it wants the events. */
export interface Dialect {
  readonly path: string;
  /** Text frames to send, each after as many frames have come: `[0, "…"]` at once. */
  readonly hello: (index: number) => readonly string[];
  /** Text frames that come before the events. */
  readonly greetings: number;
}

const HEAD_END = "\r\n\r\n";

/** One subscriber, on a bare TCP socket: it counts frames and looks into none of them, so that the load costs little. */
export class LoadClient {
  /** Frames after the greetings. */
  received = 0;
  /** Called for each frame's payload, when set: for clients that measure latency. */
  onPayload: ((payload: Buffer) => void) | undefined;
  readonly #socket: Socket;
  readonly #greetings: number;
  #rest: Buffer = Buffer.alloc(0);
  #frames = 0;
  #isOpen = false;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(port: number, dialect: Dialect, index: number) {
    this.#greetings = dialect.greetings;
    this.#socket = connect({ port, host: "127.0.0.1" });
    this.#socket.setNoDelay(true);
    this.#socket.on("connect", () => this.#socket.write(upgrade(dialect.path)));
    this.#socket.on("data", (chunk) => {
      if (this.#isOpen) this.#read(chunk);
      else this.#open(chunk, dialect.hello(index));
    });
    this.#socket.on("error", (error) => this.#ready.reject(error));
  }

  /** Resolves when the peer has greeted it. */
  static async open(port: number, dialect: Dialect, index: number): Promise<LoadClient> {
    const client = new LoadClient(port, dialect, index);
    await client.#ready.promise;
    return client;
  }

  close(): void {
    this.#socket.destroy();
  }

  send(text: string): void {
    this.#socket.write(maskedFrame(text));
  }

  #open(chunk: Buffer, hello: readonly string[]): void {
    const end = chunk.indexOf(HEAD_END);
    if (end < 0) throw new Error(`No upgrade: ${chunk}`);
    this.#isOpen = true;
    for (const text of hello) this.send(text);
    this.#read(chunk.subarray(end + HEAD_END.length));
    if (this.#greetings === 0) this.#ready.resolve();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const frame = frameAt(bytes, at);
      if (!frame) break;
      if (frame.opcode === 1) this.#count(bytes.subarray(frame.start, frame.end));
      at = frame.end;
    }
    this.#rest = bytes.subarray(at);
  }

  #count(payload: Buffer): void {
    this.#frames += 1;
    if (this.#frames === this.#greetings) this.#ready.resolve();
    if (this.#frames <= this.#greetings) return;
    this.received += 1;
    this.onPayload?.(payload);
  }
}

function upgrade(path: string): string {
  const headers = ["Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  return `GET ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==${HEAD_END}`;
}

/** Masked with zeros, which costs nothing to apply. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [0x81, 0x80 | length] : [0x81, 0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

function frameAt(bytes: Buffer, at: number): { opcode: number; start: number; end: number } | undefined {
  if (bytes.length < at + 2) return undefined;
  const opcode = (bytes[at] ?? 0) & 15;
  const short = (bytes[at + 1] ?? 0) & 127;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < at + head) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  const end = at + head + length;
  return bytes.length < end ? undefined : { opcode, start: at + head, end };
}
