import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MessageQueue } from "./support/message-queue.ts";
import { type ModelScript, says, startScriptedModel } from "./support/scripted-model.ts";
import { startServer } from "./support/server-process.ts";

const BIN = join(import.meta.dirname, "../bin/my-bot.js");
const DIM = "\u001b[2m";
const UNDIM = "\u001b[22m";
const CTRL_D = "\u0004";
const CTRL_C = "\u0003";

interface Chat {
  readonly output: string;
  /** Resolves once it has written this. */
  until(text: string): Promise<void>;
  type(text: string): void;
  /** Ends its input. */
  leave(): void;
  readonly ended: Promise<number | null>;
}

/** `my-bot chat` at a terminal of its own, or at the end of a pipe. */
function startChat(url: string, kind: "terminal" | "pipe"): Chat {
  const command = [process.execPath, BIN, "chat", "--url", url];
  const [program, args] =
    kind === "pipe" ? [command[0] ?? "", command.slice(1)] : ["script", ["-qefc", command.join(" "), "/dev/null"]];
  const child = spawn(program, args, { env: { PATH: process.env.PATH, TERM: "xterm" }, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const written = new MessageQueue<string>();
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    written.push(text);
  });
  return {
    get output() {
      return output;
    },
    until: async (text) => {
      while (!output.includes(text)) await written.next(`${text} in ${output}`, () => true);
    },
    type: (text) => void child.stdin.write(text),
    leave: () => void child.stdin.end(kind === "terminal" ? CTRL_D : ""),
    ended: once(child, "exit").then(([code]) => code),
  };
}

/** Begins an answer, and says the rest when nobody stops it. */
const endless: ModelScript = async (reply) => {
  reply.text("It begins.");
  await reply.gone;
};

const stops = [
  ["Ctrl-C", "terminal", CTRL_C],
  ["/stop", "terminal", "/stop\n"],
  ["/stop", "pipe", "/stop\n"],
] as const;

test.each(stops)(
  "[CLI8] [RPC4] %s at a %s stops the answer that is being written, and the chat goes on",
  async (_, kind, keys) => {
    await using model = await startScriptedModel(endless, says("The second."));
    await using server = await startServer({ config: { llm: model.llm } });
    const chat = startChat(server.url, kind);
    await chat.until("> ");
    chat.type("one\n");
    await chat.until("It begins.");
    chat.type(keys);
    await chat.until("! Stopped by the user");
    chat.type("two\n");
    await chat.until("The second.");
    chat.leave();
    expect(await chat.ended).toBe(0);
    expect(model.requests).toHaveLength(2); // /stop was no message to the model
  },
);

test("[CLI8] Ctrl-C again, or at the prompt, leaves", async () => {
  await using model = await startScriptedModel(endless);
  await using server = await startServer({ config: { llm: model.llm } });
  const atPrompt = startChat(server.url, "terminal");
  await atPrompt.until("> ");
  atPrompt.type(CTRL_C);
  expect(await atPrompt.ended).toBe(0);
  const chat = startChat(server.url, "terminal");
  await chat.until("> ");
  chat.type("one\n");
  await chat.until("It begins.");
  chat.type(CTRL_C + CTRL_C);
  expect(await chat.ended).toBe(0);
});

test("[CLI8] [EV7] a terminal shows what the model thinks, dimmed; a pipe does not", async () => {
  const thinks: ModelScript = (reply) => {
    reply.chunk({ reasoning_content: "Let me think. " });
    reply.text("42");
    reply.finish("stop");
  };
  await using model = await startScriptedModel(thinks);
  await using server = await startServer({ config: { llm: model.llm } });
  for (const kind of ["terminal", "pipe"] as const) {
    const chat = startChat(server.url, kind);
    await chat.until("> ");
    chat.type("Why?\n");
    await chat.until("42");
    expect(chat.output.includes(`${DIM}Let me think. ${UNDIM}`)).toBe(kind === "terminal");
    expect(chat.output.includes("Let me think.")).toBe(kind === "terminal");
    chat.leave();
    await chat.ended;
  }
});
