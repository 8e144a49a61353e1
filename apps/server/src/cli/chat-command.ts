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
  using terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  terminal.on("SIGINT", () => terminal.close());
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() !== "") await answer(client, { line, options, terminal });
    terminal.prompt();
  }
}

interface Exchange {
  readonly line: string;
  readonly options: ChatOptions;
  readonly terminal: Interface;
}

async function answer(client: MyBotClient, { line, options, terminal }: Exchange): Promise<void> {
  const leave = terminal.listeners("SIGINT");
  const receipt = await client.send(messageInput(options, line));
  const stop = (): void => void client.abort({ run_id: receipt.run_id });
  terminal.removeAllListeners("SIGINT").on("SIGINT", stop);
  try {
    // The message is sent already: asking again with its id follows the run that answers it.
    const input = { ...messageInput(options, line), message_id: receipt.message_id };
    await client.ask(input, { onDelta: (piece) => void process.stdout.write(piece) });
    console.log();
  } catch (cause) {
    if (!(cause instanceof MyBotClientError)) throw cause;
    console.log(`\n! ${cause.message}`);
  } finally {
    terminal.off("SIGINT", stop);
    for (const listener of leave) terminal.on("SIGINT", () => listener());
  }
}
