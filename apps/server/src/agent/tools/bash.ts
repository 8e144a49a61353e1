import * as z from "zod";
import { OutputWindow } from "./output-window.ts";
import { startProcessGroup } from "./process-group.ts";
import type { Tool, ToolResult } from "./tool.ts";

export interface BashToolOptions {
  readonly workspaceDir: string;
  /** How long a command may take; it may ask for less. */
  readonly timeoutSeconds: number;
  /** All that commands see of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

const KEPT_BYTES = 64 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;
const STOP_MS = 5000; // beyond the time limit, until the registry would give up

/** Runs commands in the workspace, and ends them with everything they have started (SPEC TOOL3, TOOL4). */
export function createBashTool(options: BashToolOptions) {
  const { timeoutSeconds } = options;
  const Input = z.object({
    command: z.string().min(1).max(10_000).describe("command line for bash; it runs in the workspace, without input"),
    timeout_seconds: z.number().positive().max(timeoutSeconds).optional().describe("when it is stopped"),
  });
  return {
    name: "bash",
    description: "Runs a bash command in the workspace and returns what it prints.",
    input: Input,
    isReadOnly: false,
    timeoutMs: timeoutSeconds * 1000 + STOP_MS,
    run: ({ command, timeout_seconds: seconds = timeoutSeconds }, signal) =>
      runCommand(options, { command, seconds }, signal),
  } satisfies Tool<typeof Input>;
}

async function runCommand(
  { workspaceDir, env }: BashToolOptions,
  { command, seconds }: { command: string; seconds: number },
  signal: AbortSignal,
): Promise<ToolResult> {
  const output = new OutputWindow(KEPT_BYTES);
  let fault: string | undefined;
  const stop = (why: string): void => {
    fault ??= why;
    group.kill();
  };
  const onOutput = (bytes: Buffer): void => {
    output.add(bytes);
    if (output.bytes > MAX_BYTES) stop("it printed more than 16 MiB and was stopped");
  };
  const group = startProcessGroup({ command, cwd: workspaceDir, env, onOutput });
  const timer = setTimeout(() => stop(`it did not end within ${seconds} s and was stopped`), seconds * 1000);
  signal.addEventListener("abort", group.kill, { once: true });
  try {
    const code = await group.ended;
    return toResult(String(output), fault ?? describeEnd(code));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", group.kill);
  }
}

function describeEnd(code: number | null): string | undefined {
  if (code === 0) return undefined;
  return code === null ? "it was ended by a signal" : `exit code ${code}`;
}

function toResult(output: string, fault: string | undefined): ToolResult {
  if (fault === undefined) return { content: output === "" ? "(no output)" : output, is_error: false };
  return { content: `${output}${output === "" || output.endsWith("\n") ? "" : "\n"}[${fault}]`, is_error: true };
}
