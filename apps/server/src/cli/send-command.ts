import { readFile } from "node:fs/promises";
import type { ApprovalRequestedEvent } from "@my-bot/client";
import type { Command } from "commander";
import { createAnswerPrinter } from "./answer-printer.ts";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";
import { describeApproval } from "./describe-approval.ts";
import { ExitCode, ExitError } from "./exit-error.ts";
import { messageInput, type SourceOptions, sourceOptions } from "./source-options.ts";

interface SendOptions extends ClientOptions, SourceOptions {
  readonly image: readonly string[];
  readonly messageId?: string;
  readonly wait: boolean;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  return sourceOptions(clientCommand("send"))
    .description("Send one message and print the answer as it is written")
    .argument("<text>", 'the message; "-" reads it from standard input')
    .option("--image <file>", "an image to look at (PNG, JPEG, WebP or GIF); again for another", collect, [])
    .option("--message-id <id>", "idempotency key: sending it again does not ask twice")
    .option("--no-wait", "print the receipt and do not wait for the answer")
    .option("--json", "print the OutboundEvent as JSON")
    .addHelpText(
      "after",
      `\nExamples:\n  $ my-bot send "What is on today?"\n  $ git log -5 | my-bot send -\n  $ my-bot send "What is wrong here?" --image screenshot.png`,
    )
    .action(send);
}

async function send(text: string, options: SendOptions): Promise<void> {
  const content = text === "-" ? await readStdin() : text;
  const images = await Promise.all(options.image.map((file) => readFile(file).catch(explain(file))));
  if (content.trim() === "" && images.length === 0) throw new ExitError(ExitCode.usage, "The message is empty");
  await withClient(options, async (client) => {
    const attachments = await Promise.all(
      images.map((image, index) => client.attachments.upload(image).catch(explain(options.image[index]))),
    );
    const input = {
      ...messageInput(options, content),
      ...(options.messageId && { message_id: options.messageId }),
      ...(attachments.length > 0 && { attachments: attachments.map(({ id }) => id) }),
    };
    if (!options.wait) {
      console.log(JSON.stringify(await client.send(input)));
      return;
    }
    const { onDelta } = createAnswerPrinter((piece) => process.stdout.write(piece));
    const onApproval = (request: ApprovalRequestedEvent): void =>
      console.error(`Waits for: my-bot approve ${request.approval_id}\n${describeApproval(request)}`);
    const answer = await client.ask(input, options.json ? { onApproval } : { onApproval, onDelta });
    console.log(options.json ? JSON.stringify(answer) : "");
  });
}

function collect(file: string, files: readonly string[]): readonly string[] {
  return [...files, file];
}

function explain(file: string | undefined) {
  return (cause: unknown): never => {
    throw new ExitError(ExitCode.usage, `--image ${file}: ${cause instanceof Error ? cause.message : cause}`);
  };
}

async function readStdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}
