import { join } from "node:path";
import { type Logger, pino } from "pino";
import type { Redactor } from "./agent/redact.ts";

const MAX_WAITING_CHARS = 1024 * 1024;

/**
 * The server's own log, a file in `dir`: the terminal belongs to the CLI. While it cannot be written (a full disk), up
 * to 1 MiB waits and the rest is dropped: the server goes on. Secrets are taken out of each line.
 */
export function createServerLog(dir: string, redactor: Pick<Redactor, "redact">): Logger {
  const dest = join(dir, "my-bot.log");
  const destination = pino.destination({ dest, mode: 0o600, sync: true, maxLength: MAX_WAITING_CHARS });
  destination.on("error", () => undefined); // it is tried again with the next line
  return pino({}, { write: (line) => void destination.write(redactor.redact(line)) });
}
