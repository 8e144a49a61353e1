import { BotError } from "@my-bot/protocol";
import { describeCause } from "./find-damage.ts";

/** Why something that came in could not be stored: a full disk, say. */
export function storageError(what: "event" | "image", cause: unknown): BotError {
  return new BotError("SERVICE_UNAVAILABLE", `The ${what} could not be stored: ${describeCause(cause)}`, { cause });
}
