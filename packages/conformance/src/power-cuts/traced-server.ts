import { execFileSync } from "node:child_process";
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { TRACED_CALLS, TraceReader, type TraceStep } from "./trace-steps.ts";

export interface TracedServerOptions {
  readonly command: string;
  readonly workspaceDir: string;
  /** Where the trace goes; has to be outside of the workspace. */
  readonly traceFile: string;
}

export interface TracedServer {
  readonly server: ServerCommand;
  /** What the process has done that ended last. To be called once after each end. */
  readSteps(): Promise<TraceStep[]>;
}

const LONGEST_TEXT_BYTES = 4 * 1024 * 1024;
const TRACE_LIMIT_MS = 30_000; // from the end of the process to the end of its trace
const POLL_MS = 10;
/** Each sync takes so much longer, in microseconds: the time in which a kill or a cut finds writes that are not durable. */
const SYNC_DELAY_US = 4000;

/** A server command under strace. Throws an Error with the remedy when there is no strace that may trace. */
export async function prepareTracedServer(options: TracedServerOptions): Promise<TracedServer> {
  requireStrace();
  const { command, workspaceDir, traceFile } = options;
  const strace = [
    `strace -DD -f -y -xx -v -q --seccomp-bpf -A -o "${traceFile}" -s ${LONGEST_TEXT_BYTES}`,
    `-e trace=${TRACED_CALLS} -e inject=fsync,fdatasync:delay_enter=${SYNC_DELAY_US}`,
  ].join(" ");
  const server = await prepareServerCommand({ command: `${strace} ${command}`, workspaceDir });
  let readUpTo = 0;
  return {
    server,
    readSteps: async () => {
      const end = await waitForEnd(traceFile, readUpTo);
      const reader = new TraceReader({ root: workspaceDir, cwd: process.cwd() });
      const input = createReadStream(traceFile, { start: readUpTo, end: end - 1 });
      for await (const line of createInterface({ input })) reader.add(line);
      readUpTo = end;
      return reader.steps;
    },
  };
}

function requireStrace(): void {
  try {
    execFileSync("strace", ["-qq", "-o", "/dev/null", "-e", "trace=none", "true"], { stdio: "pipe" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim().replaceAll("\n", " ") : String(cause);
    throw new Error(
      `Power cuts are simulated from what strace tells, and strace does not work here (${reason}); install it (apt-get install strace), on Linux, where processes may be traced`,
      { cause },
    );
  }
}

/** The first thread of a process ends last: strace tells so in its last line. */
async function waitForEnd(traceFile: string, from: number): Promise<number> {
  const deadline = performance.now() + TRACE_LIMIT_MS;
  while (performance.now() < deadline) {
    const size = statSync(traceFile, { throwIfNoEntry: false })?.size ?? 0;
    if (size > from && isWhole(traceFile, from, size)) return size;
    await delay(POLL_MS);
  }
  throw new Error(`${traceFile} does not come to its end`);
}

function isWhole(traceFile: string, from: number, to: number): boolean {
  const [, first] = /^(\d+) /.exec(readText(traceFile, from, 32)) ?? [];
  const end = readText(traceFile, Math.max(from, to - 100), 100);
  return first !== undefined && new RegExp(`^${first} +\\+\\+\\+ .*\\n$`, "m").test(end);
}

function readText(file: string, position: number, length: number): string {
  const bytes = Buffer.alloc(length);
  const descriptor = openSync(file, "r");
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position)).toString("latin1");
  } finally {
    closeSync(descriptor);
  }
}
