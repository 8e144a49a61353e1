import { createInterface, type Interface } from "node:readline/promises";
import { type MyBotClient, MyBotClientError } from "@my-bot/client";
import type { Command } from "commander";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";
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
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  let isOpen = true; // piped input ends before its last line is answered
  const leave = (): void => terminal.close();
  terminal.on("close", () => {
    isOpen = false;
  });
  terminal.on("SIGINT", leave);
  terminal.prompt();
  for await (const line of terminal) {
    terminal.off("SIGINT", leave);
    if (line.trim() !== "") await answer(client, { line, options, terminal });
    terminal.on("SIGINT", leave);
    if (isOpen) terminal.prompt();
  }
}

interface Exchange {
  readonly line: string;
  readonly options: ChatOptions;
  readonly terminal: Interface;
}

async function answer(client: MyBotClient, { line, options, terminal }: Exchange): Promise<void> {
  const input = messageInput(options, line);
  const receipt = await client.send(input);
  const stop = (): void => void client.abort({ run_id: receipt.run_id });
  terminal.on("SIGINT", stop);
  try {
    // The message is sent already: asking again with its id follows the run that answers it.
    const message = { ...input, message_id: receipt.message_id };
    await client.ask(message, { onDelta: (piece) => void process.stdout.write(piece) });
    console.log();
  } catch (cause) {
    if (!(cause instanceof MyBotClientError)) throw cause;
    console.log(`\n! ${cause.message}`);
  } finally {
    terminal.off("SIGINT", stop);
  }
}
