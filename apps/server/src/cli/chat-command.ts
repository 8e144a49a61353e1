import { createInterface, type Interface } from "node:readline/promises";
import { type MyBotClient, MyBotClientError } from "@my-bot/client";
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
    .description("Talk in the terminal; Ctrl-C stops an answer, Ctrl-D leaves")
    .action((options: ChatOptions) => withClient(options, (client) => chat(client, options)));
}

async function chat(client: MyBotClient, options: ChatOptions): Promise<void> {
  const { llm } = await client.info();
  if (llm.mode === "offline") console.log("(offline model: scripted answers; see config.example.yaml for a real one)");
  const completer = createCommandCompleter(await client.commands.list());
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> ", completer });
  let isOpen = true; // piped input ends before its last line is answered
  const leave = (): void => terminal.close();
  terminal.on("close", () => {
    isOpen = false;
  });
  terminal.on("SIGINT", leave);
  terminal.prompt();
  const lines = new LineReader(terminal);
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    terminal.off("SIGINT", leave);
    if (line.trim() !== "") await answer(client, { line, options, terminal, lines });
    terminal.on("SIGINT", leave);
    if (isOpen) terminal.prompt();
  }
}

interface Exchange {
  readonly line: string;
  readonly options: ChatOptions;
  readonly terminal: Interface;
  readonly lines: LineReader;
}

async function answer(client: MyBotClient, { line, options, terminal, lines }: Exchange): Promise<void> {
  let asked = Promise.resolve(); // one question after the other
  let stop = (): void => undefined; // nothing is there to stop before the receipt
  const onInterrupt = (): void => stop();
  terminal.on("SIGINT", onInterrupt);
  try {
    await client.ask(messageInput(options, line), {
      onReceipt: ({ run_id }) => {
        stop = () => void client.abort({ run_id });
      },
      onDelta: createAnswerPrinter((piece) => process.stdout.write(piece)),
      onApproval: (request, settled) => {
        asked = asked.then(() => askApproval({ client, lines, source: options.source }, request, settled));
      },
    });
    await asked;
    console.log();
  } catch (cause) {
    if (!(cause instanceof MyBotClientError)) throw cause;
    console.log(`\n! ${cause.message}`);
  } finally {
    terminal.off("SIGINT", onInterrupt);
  }
}
