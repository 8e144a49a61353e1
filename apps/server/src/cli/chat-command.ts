import { createInterface } from "node:readline";
import { type MyBotClient, MyBotClientError, type Receipt } from "@my-bot/client";
import type { Command } from "commander";
import { createAnswerPrinter } from "./answer-printer.ts";
import { askApproval } from "./ask-approval.ts";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";
import { createCommandCompleter } from "./command-completer.ts";
import { LineReader } from "./line-reader.ts";
import { messageInput, type SourceOptions, sourceOptions } from "./source-options.ts";

type ChatOptions = ClientOptions & SourceOptions;

export function chatCommand(): Command {
  return sourceOptions(clientCommand("chat"))
    .description("Talk in the terminal; Ctrl-C or /stop stops an answer, Ctrl-C again or Ctrl-D leaves")
    .action((options: ChatOptions) => withClient(options, (client) => chat(client, options)));
}

async function chat(client: MyBotClient, options: ChatOptions): Promise<void> {
  const { llm } = await client.info();
  if (llm.mode === "offline") console.log("(offline model: scripted answers; see config.example.yaml for a real one)");
  const completer = createCommandCompleter(await client.commands.list());
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> ", completer });
  const leaving = new AbortController();
  let isOpen = true; // piped input ends before its last line is answered
  terminal.on("close", () => {
    isOpen = false;
  });
  const leave = (): void => {
    leaving.abort();
    terminal.close();
  };
  let interrupt = leave;
  terminal.on("SIGINT", () => interrupt());
  terminal.prompt();
  const lines = new LineReader(terminal);
  for (let line = await lines.next(); line !== undefined; line = await lines.next(leaving.signal)) {
    const setInterrupt = (stop: () => void): void => {
      interrupt = () => {
        interrupt = leave; // the second time
        stop();
      };
    };
    if (line.trim() !== "") await answer(client, { line, options, lines, leaving: leaving.signal, setInterrupt });
    interrupt = leave;
    if (isOpen) terminal.prompt();
  }
}

interface Exchange {
  readonly line: string;
  readonly options: ChatOptions;
  readonly lines: LineReader;
  /** Aborts when nobody waits for the answer any more. */
  readonly leaving: AbortSignal;
  /** What Ctrl-C does meanwhile. */
  readonly setInterrupt: (stop: () => void) => void;
}

async function answer(client: MyBotClient, { line, options, lines, leaving, setInterrupt }: Exchange): Promise<void> {
  const receipt = Promise.withResolvers<Receipt>();
  const stop = (): void => {
    const aborting = receipt.promise.then(({ run_id }) => client.abort({ run_id }));
    aborting.catch(() => undefined); // what became of the run is told by its answer
  };
  setInterrupt(stop);
  using _ = lines.intercept((typed) => {
    const isStop = typed.trim().toLowerCase() === "/stop";
    if (isStop) stop();
    return isStop;
  });
  let asked = Promise.resolve(); // one question after the other
  const { onDelta, onReasoning } = createAnswerPrinter((piece) => process.stdout.write(piece));
  try {
    await client.ask(messageInput(options, line), {
      onReceipt: receipt.resolve,
      onDelta,
      onReasoning: process.stdout.isTTY ? onReasoning : undefined,
      onApproval: (request, settled) => {
        asked = asked.then(() => askApproval({ client, lines, source: options.source }, request, settled));
      },
      signal: leaving,
    });
    await asked;
    console.log();
  } catch (cause) {
    if (leaving.aborted) return;
    if (!(cause instanceof MyBotClientError)) throw cause;
    console.log(`\n! ${cause.message}`);
  }
}
