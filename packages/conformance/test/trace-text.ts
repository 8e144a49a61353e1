import type { TracedProcess } from "../src/power-cuts/cut-life.ts";
import { TraceReader, type TraceStep } from "../src/power-cuts/trace-steps.ts";

/** A text as strace writes it with -xx. */
export function hex(text: string | Buffer): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

export function readTrace(root: string, lines: readonly string[]): TraceStep[] {
  const reader = new TraceReader({ root, cwd: "/" });
  for (const line of lines) reader.add(line);
  return reader.steps;
}

/** Writes the trace of a server that keeps its records as lines of one file, and tells one socket of each. */
export class TraceText {
  readonly #root: string;
  readonly #lines: string[] = [];
  #contents = Buffer.alloc(0);

  constructor(root: string) {
    this.#root = root;
    const head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    this.#lines.push(`7 openat(AT_FDCWD</>, "${hex(`${root}/log`)}", O_WRONLY|O_CREAT|O_APPEND, 0644) = ${this.#log}`);
    this.#lines.push(`7 write(4<${hex("socket:[1]")}>, "${hex(head)}", ${head.length}) = ${head.length}`);
  }

  get #log(): string {
    return `3<${hex(`${this.#root}/log`)}>`;
  }

  get process(): TracedProcess {
    return {
      steps: readTrace(this.#root, this.#lines),
      disk: new Map([[`${this.#root}/log`, this.#contents]]),
    };
  }

  store(record: object): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    this.#contents = Buffer.concat([this.#contents, line]);
    this.#lines.push(`7 write(${this.#log}, "${hex(line)}", ${line.length}) = ${line.length}`);
  }

  sync(): void {
    this.#lines.push(`7 fsync(${this.#log}) = 0`);
  }

  syncFolder(): void {
    this.#lines.push(`7 fsync(5<${hex(this.#root)}>) = 0`);
  }

  show({ cursor, event }: { readonly cursor: string; readonly event: object }): void {
    const payload = Buffer.from(JSON.stringify({ ...event, cursor }));
    const head = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
    const pieces = [head, payload].map((part) => `{iov_base="${hex(part)}", iov_len=${part.length}}`).join(", ");
    this.#lines.push(`7 writev(4<${hex("socket:[1]")}>, [${pieces}], 2) = ${head.length + payload.length}`);
  }
}
