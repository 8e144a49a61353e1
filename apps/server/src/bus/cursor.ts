import { BotError, type Cursor } from "@my-bot/protocol";

/** A place in one store's log: `seq` is that of the last event before it. */
export interface Position {
  readonly epoch: string; // names the store, so that a cursor of another one is noticed
  readonly seq: number;
}

const START: Cursor = "0";
const PATTERN = /^([0-9a-f]{8})-(\d{1,15})(?:\.\d{1,15})?$/;

export function formatCursor({ epoch, seq }: Position): Cursor {
  return `${epoch}-${seq}`;
}

/** Undefined epoch: `"0"`, the beginning of any store. An ephemeral id (`<cursor>.<n>`) resumes at its cursor. */
export function parseCursor(cursor: Cursor): Position | { readonly epoch: undefined; readonly seq: 0 } {
  if (cursor === START) return { epoch: undefined, seq: 0 };
  const [, epoch, seq] = PATTERN.exec(cursor) ?? [];
  if (epoch === undefined) {
    throw new BotError("BAD_REQUEST", `Malformed cursor; use one that this server gave, or "0" for the beginning`);
  }
  return { epoch, seq: Number(seq) };
}
