import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { ConfigError } from "../workspace/config-error.ts";
import { approvalsCommand, approveCommand } from "./approve-command.ts";
import type { BackupCommandOptions } from "./backup-command.ts";
import { chatCommand } from "./chat-command.ts";
import type { DoctorCommandOptions } from "./doctor-command.ts";
import { ExitCode, ExitError } from "./exit-error.ts";
import { sendCommand } from "./send-command.ts";
import type { ServerOptions } from "./server-command.ts";
import { tailCommand } from "./tail-command.ts";

const RESTORE_HELP = `
To restore: stop the server, move my-bot.db and my-bot.db-wal out of the workspace's .event folder, and copy the backup
there as my-bot.db. Clients notice by themselves and read the log anew.`;
const WORKSPACE_HELP = "workspace (or MYBOT_WORKSPACE; else ./default_workspace, else ~/.my-bot)";

/** Runs the command line and returns the exit code; what went wrong is one line on standard error. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv);
    return ExitCode.ok;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    const { exitCode, message } = explain(cause);
    console.error(`my-bot: ${message}`);
    return exitCode;
  }
}

function createProgram(): Command {
  const program = new Command("my-bot")
    .description("A personal AI agent behind one durable, ordered event log")
    .version(readVersion())
    .addCommand(serverCommand())
    .addCommand(chatCommand())
    .addCommand(sendCommand())
    .addCommand(tailCommand())
    .addCommand(approvalsCommand())
    .addCommand(approveCommand())
    .addCommand(backupCommand())
    .addCommand(doctorCommand());
  for (const command of [program, ...program.commands]) command.exitOverride().showHelpAfterError("(see --help)");
  return program;
}

function serverCommand(): Command {
  return new Command("server")
    .description("Serve the agent, the web chat and the endpoints /ws and /trpc on one port")
    .option("-w, --workspace <dir>", WORKSPACE_HELP)
    .option("--host <host>", "address to listen on (default: api.host of the configuration)")
    .option("--port <port>", "port to listen on, 0 for any free one (default: api.port)", parsePort)
    .option("--allow-origin <origin...>", "let pages of this origin connect as well")
    .addHelpText("after", "\nExample:\n  $ my-bot server -w ~/my-workspace --port 0")
    .action(async (options: ServerOptions) => {
      const { runServer } = await import("./server-command.ts"); // the other commands start faster without it
      await runServer(options);
    });
}

function backupCommand(): Command {
  return new Command("backup")
    .description("Copy the log to a new file, checked; the server may run meanwhile")
    .argument("<file>", "the file to make; one that is there is never overwritten")
    .option("-w, --workspace <dir>", WORKSPACE_HELP)
    .addHelpText("after", RESTORE_HELP)
    .action(async (file: string, options: BackupCommandOptions) => {
      const { runBackup } = await import("./backup-command.ts");
      await runBackup(file, options);
    });
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check everything that a server needs: it reads only, also while one runs")
    .option("-w, --workspace <dir>", WORKSPACE_HELP)
    .action(async (options: DoctorCommandOptions) => {
      const { printDoctor } = await import("./doctor-command.ts");
      await printDoctor(options);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It is a number from 0 to 65535.");
}

function explain(cause: unknown): { exitCode: number; message: string } {
  if (cause instanceof ExitError) return cause;
  if (cause instanceof ConfigError) return { exitCode: ExitCode.config, message: cause.message };
  if (!(cause instanceof Error)) return { exitCode: ExitCode.failure, message: String(cause) };
  const { code, port } = cause as NodeJS.ErrnoException & { port?: number };
  if (code === "EADDRINUSE") {
    const message = `port ${port} is in use; stop the other program, or choose another: my-bot server --port 0`;
    return { exitCode: ExitCode.failure, message };
  }
  return { exitCode: ExitCode.failure, message: cause.message };
}

function readVersion(): string {
  const file: { version: string } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return file.version;
}
