import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import * as z from "zod";
import type { BashConfig } from "../../workspace/tools-config.ts";
import { childEnvironment } from "./child-environment.ts";
import { previewCommand } from "./preview-command.ts";
import { type CommandEnd, type CommandLimits, runCommand } from "./run-command.ts";
import type { CallContext, Tool, ToolResult } from "./tool.ts";

const KEPT_BYTES = 64 * 1024;
const WRITTEN_BYTES = 16 * 1024 * 1024;
const COMMAND_BYTES = 64 * 1024; // the kernel takes 128 KiB
const ENDING_MS = 5000; // on top of the command's own time, so that its output so far can still be told

const Command = z
  .string()
  .min(1)
  .refine((command) => !command.includes("\0"), "holds a NUL character")
  .refine((command) => Buffer.byteLength(command) <= COMMAND_BYTES, `is longer than ${COMMAND_BYTES} bytes`);

export interface BashToolOptions {
  readonly workspaceDir: string;
  /** The server's; only few of it are passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: BashConfig;
}

/** Runs any command as this server's user (SPEC TOOL3 to TOOL6): only for those who have allowed it. */
export function createBashTool({ workspaceDir, env, config }: BashToolOptions) {
  const maxSeconds = config.timeout_seconds;
  const input = z.object({
    command: Command.describe("what to run, as in a script of bash"),
    timeout_seconds: z.number().positive().max(maxSeconds).optional().describe(`${maxSeconds} unless told`),
  });
  const childEnv = childEnvironment(env, config.env);
  const shell = findBash(childEnv.PATH) ?? "/bin/sh";
  return {
    name: "bash",
    description:
      "Runs a command in the workspace folder and returns what it printed. It has no standard input. " +
      "Whatever it leaves running in the background is ended with it. Of long output the middle is left out.",
    input,
    isReadOnly: false,
    approval: "ask",
    timeoutMs: maxSeconds * 1000 + ENDING_MS,
    preview: ({ command }) => previewCommand({ text: command, workspaceDir, variables: Object.keys(childEnv) }),
    run: async ({ command, timeout_seconds = maxSeconds }, signal, context?: Pick<CallContext, "onOutput">) => {
      const limits = limitsOf(config, timeout_seconds);
      const { output, end } = await runCommand(
        { text: command, shell, dir: workspaceDir, env: childEnv, limits, onOutput: context?.onOutput },
        signal,
      );
      return toResult(output, noteOf(end, limits));
    },
  } satisfies Tool<typeof input>;
}

function limitsOf(config: BashConfig, timeoutSeconds: number): CommandLimits {
  return {
    timeoutMs: timeoutSeconds * 1000,
    keptBytes: KEPT_BYTES,
    writtenBytes: WRITTEN_BYTES,
    processes: config.max_processes,
    memoryBytes: config.max_memory_mb * 1024 * 1024,
  };
}

function findBash(path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((dir) => dir.startsWith("/"))
    .map((dir) => join(dir, "bash"))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What has to be told besides the output; undefined for a command that succeeded. */
function noteOf(end: CommandEnd, limits: CommandLimits): string | undefined {
  switch (end.how) {
    case "exited":
      return end.code === 0 ? undefined : `exit code ${end.code}`;
    case "killed":
      return `ended by ${end.signal}`;
    case "timed_out":
      return `stopped: it did not finish within ${limits.timeoutMs / 1000} s`;
    case "stopped":
      return "stopped before it had finished";
    case "wrote_too_much":
      return `killed: it wrote more than ${limits.writtenBytes / 1024 / 1024} MiB`;
    case "too_many_processes":
      return `killed: it had more than ${limits.processes} processes at once`;
    case "not_started":
      return `not started: ${end.reason}`;
  }
}

function toResult(output: string, note: string | undefined): ToolResult {
  if (note === undefined) return { content: output === "" ? "(no output)" : output, is_error: false };
  return { content: `${output}${output === "" || output.endsWith("\n") ? "" : "\n"}[${note}]`, is_error: true };
}
