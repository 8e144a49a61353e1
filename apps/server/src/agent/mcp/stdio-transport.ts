import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from "@modelcontextprotocol/client";
import { CALL_VARIABLE, CallProcesses, createMark, signalGroup } from "../tools/call-processes.ts";
import { KeptOutput } from "../tools/kept-output.ts";
import { bindGroup } from "../tools/process-groups.ts";
import { McpFault } from "./mcp-fault.ts";

export interface StdioOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** All that the program gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Whose next server ends the program if this one is killed. */
  readonly workspaceDir: string;
}

/** One message, or what is none. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

const KEPT_STDERR_BYTES = 4096;
const GRACE_MS = 500; // at the end of its input, and again after SIGTERM
const DRAIN_MS = 250; // for the last words of a program that has ended

/**
 * The SDK's own transport ends one process; this one ends all that the program started, gives it no variable that is not
 * named, and does not read on when what it writes is no MCP.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  readonly #options: StdioOptions;
  readonly #buffer = new ReadBuffer({ maxBufferSize: MAX_MESSAGE_BYTES });
  readonly #stderr = new KeptOutput(KEPT_STDERR_BYTES);
  #program: Program | undefined;
  #bytesWithoutMessage = 0;
  #ending: Promise<void> | undefined;
  #fault: McpFault | undefined;

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  /** Why it is no longer there; undefined while it is, and when it was closed from here. */
  get fault(): McpFault | undefined {
    return this.#fault;
  }

  /** Throws McpFault when the program cannot be started. */
  async start(): Promise<void> {
    const program = await startProgram(this.#options);
    this.#program = program;
    const { child } = program;
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.#stderr.add(chunk));
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined); // it has ended
    const drained = new Promise((resolve) => child.stdout.once("close", resolve));
    child.once("exit", async (code, signal) => {
      await Promise.race([drained, delay(DRAIN_MS)]);
      await this.#end(code === null ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#program?.child.stdin;
    if (!stdin?.writable) throw new McpFault("is not running");
    if (!stdin.write(serializeMessage(message))) await Promise.race([once(stdin, "drain"), once(stdin, "close")]);
  }

  /** Resolves when nothing of the program runs any more. */
  async close(): Promise<void> {
    await this.#end(undefined);
  }

  #end(reason: string | undefined): Promise<void> {
    this.#ending ??= this.#endProgram(reason);
    return this.#ending;
  }

  async #endProgram(reason: string | undefined): Promise<void> {
    if (reason !== undefined) this.#fault = new McpFault(reason, { printed: this.#stderr.text() });
    try {
      if (this.#program) await endProgram(this.#program);
    } finally {
      this.#buffer.clear();
      this.onclose?.();
    }
  }

  #read(chunk: Buffer): void {
    if (this.#ending !== undefined) return;
    this.#bytesWithoutMessage += chunk.length;
    try {
      if (this.#bytesWithoutMessage > MAX_MESSAGE_BYTES) throw new RangeError("no message in all this");
      this.#buffer.append(chunk);
    } catch {
      this.#program?.child.stdout.destroy();
      void this.#end("writes something else than MCP messages to its standard output");
      return;
    }
    for (let message = this.#next(); message !== null; message = this.#next()) {
      if (message === undefined) continue;
      this.#bytesWithoutMessage = 0;
      this.onmessage?.(message);
    }
  }

  /** Undefined: a line that is no message; null: no more lines. Some programs print a greeting before they begin. */
  #next(): JSONRPCMessage | undefined | null {
    try {
      return this.#buffer.readMessage();
    } catch {
      return undefined;
    }
  }
}

interface Program {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly processes: CallProcesses;
  readonly release: () => void;
}

async function startProgram({ command, args, env, cwd, workspaceDir }: StdioOptions): Promise<Program> {
  const mark = createMark(workspaceDir);
  try {
    const child = spawn(command, args, {
      cwd,
      env: { ...env, [CALL_VARIABLE]: mark },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true, // a process group of its own
    });
    await once(child, "spawn");
    child.on("error", () => undefined); // a signal that did not reach it
    const processes = new CallProcesses(child.pid ?? 0, mark);
    return { child, processes, release: bindGroup(processes.leader) };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") throw new McpFault(`cannot be started: there is no program "${command}"; check command`);
    throw new McpFault(`cannot be started (${code ?? "for an unknown reason"}); check command, args and env`);
  }
}

/** The end of its input is how a client says goodbye; what stays is told by signals. */
async function endProgram({ child, processes, release }: Program): Promise<void> {
  const isOver = child.exitCode !== null || child.signalCode !== null;
  const exited = isOver ? Promise.resolve() : new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stdin.end();
  const isGone = await Promise.race([exited.then(() => true), delay(GRACE_MS, false)]);
  if (!isGone) {
    await processes.look(); // one that ends takes the trace of its children with it
    signalGroup(processes.leader, "SIGTERM");
    await Promise.race([exited, delay(GRACE_MS)]);
  }
  await processes.kill();
  release();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
}
