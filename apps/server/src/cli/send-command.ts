import type { ApprovalRequestedEvent } from "@my-bot/client";
import type { Command } from "commander";
import { createAnswerPrinter } from "./answer-printer.ts";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";
import { describeApproval } from "./describe-approval.ts";
import { ExitCode, ExitError } from "./exit-error.ts";
import { messageInput, type SourceOptions, sourceOptions } from "./source-options.ts";

interface SendOptions extends ClientOptions, SourceOptions {
  readonly messageId?: string;
  readonly wait: boolean;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  return sourceOptions(clientCommand("send"))
    .description("Send one message and print the answer as it is written")
    .argument("<text>", 'the message; "-" reads it from standard input')
    .option("--message-id <id>", "idempotency key: sending it again does not ask twice")
    .option("--no-wait", "print the receipt and do not wait for the answer")
    .option("--json", "print the OutboundEvent as JSON")
    .addHelpText("after", `\nExamples:\n  $ my-bot send "What is on today?"\n  $ git log -5 | my-bot send -`)
    .action(send);
}

async function send(text: string, options: SendOptions): Promise<void> {
  const content = text === "-" ? await readStdin() : text;
  if (content.trim() === "") throw new ExitError(ExitCode.usage, "The message is empty");
  const input = { ...messageInput(options, content), ...(options.messageId && { message_id: options.messageId }) };
  await withClient(options, async (client) => {
    if (!options.wait) {
      console.log(JSON.stringify(await client.send(input)));
      return;
    }
    const onDelta = createAnswerPrinter((piece) => process.stdout.write(piece));
    const onApproval = (request: ApprovalRequestedEvent): void =>
      console.error(`Waits for: my-bot approve ${request.approval_id}\n${describeApproval(request)}`);
    const answer = await client.ask(input, options.json ? { onApproval } : { onApproval, onDelta });
    console.log(options.json ? JSON.stringify(answer) : "");
  });
}

async function readStdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}
