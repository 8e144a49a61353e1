import { createMyBotClient, type MyBotClient, MyBotClientError } from "@my-bot/client";
import { Command } from "commander";
import { ExitCode, ExitError } from "./exit-error.ts";

const DEFAULT_URL = "http://127.0.0.1:8000";
const PATIENCE_MS = 5000;

/** What every command that talks to a running server takes. */
export interface ClientOptions {
  readonly url: string;
}

export function clientCommand(name: string): Command {
  return new Command(name).option(
    "--url <url>",
    "the server (or MYBOT_URL); its token, if it has one, in MYBOT_TOKEN",
    defaultUrl(),
  );
}

function defaultUrl(): string {
  return process.env.MYBOT_URL ?? DEFAULT_URL;
}

/** Connects, does the work and closes; says how to start a server when none answers. */
export async function withClient({ url }: ClientOptions, work: (client: MyBotClient) => Promise<void>): Promise<void> {
  await using client = openClient(url);
  await requireServer(client, url);
  try {
    await work(client);
  } catch (cause) {
    throw cause instanceof MyBotClientError ? new ExitError(ExitCode.failure, cause.message) : cause;
  }
}

/** The token comes from the environment only: command lines can be read by every user of the machine. */
function openClient(url: string): MyBotClient {
  try {
    return createMyBotClient({ url, token: process.env.MYBOT_TOKEN });
  } catch (cause) {
    throw new ExitError(ExitCode.usage, `--url ${url}: ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** The client waits for a server as long as it takes; someone at a terminal wants to know. */
async function requireServer(client: MyBotClient, url: string): Promise<void> {
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    patience.reject(new ExitError(ExitCode.failure, `No server answers at ${url}; start one with: my-bot server`));
  }, PATIENCE_MS);
  try {
    await Promise.race([client.info(), patience.promise]);
  } catch (cause) {
    throw cause instanceof MyBotClientError ? new ExitError(ExitCode.failure, cause.message) : cause;
  } finally {
    clearTimeout(timer);
  }
}
