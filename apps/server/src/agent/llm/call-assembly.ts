import { randomUUID } from "node:crypto";
import type { ModelToolCall } from "../language-model.ts";

/** A piece of a tool call, as providers really send it: nearly everything may be absent. */
export interface CallPiece {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
}

type Call = { -readonly [Key in keyof ModelToolCall]: ModelToolCall[Key] } & { readonly index: number };

/** Puts the tool calls of one answer together (SPEC LLM1, LLM2). */
export class CallAssembly {
  readonly #calls: Call[] = [];
  #chars = 0;

  /** All that was taken, with one for each piece. */
  get chars(): number {
    return this.#chars;
  }

  add(piece: CallPiece): void {
    const name = piece.function?.name ?? "";
    const args = argumentsText(piece.function?.arguments);
    const call = this.#callOf(piece, name);
    if (name !== call.name) call.name += name; // some providers say it in every piece
    call.arguments += args;
    this.#chars += name.length + args.length + 1;
  }

  /** A second call of one id gets another, else its result could not be told from the first one's. */
  finished(): ModelToolCall[] {
    const taken = new Set<string>();
    return this.#calls.map(({ id, name, arguments: args }) => {
      const own = taken.has(id) ? newId() : id;
      taken.add(own);
      return { id: own, name, arguments: args };
    });
  }

  #callOf(piece: CallPiece, name: string): Call {
    const index = piece.index ?? undefined;
    const open = index === undefined ? this.#calls.at(-1) : this.#calls.findLast((call) => call.index === index);
    if (open !== undefined && !beginsAnother(open, piece, name)) return open;
    const call = { index: index ?? this.#calls.length, id: piece.id || newId(), name: "", arguments: "" };
    this.#calls.push(call);
    return call;
  }
}

/**
 * Pieces of one call share its index. Some providers give every call the index 0, or none: then a name begins the next
 * call, if its id is another one, or if it has none and the open call is whole.
 */
function beginsAnother(open: Call, piece: CallPiece, name: string): boolean {
  if (name === "") return false;
  if (piece.id) return piece.id !== open.id;
  return (piece.index ?? undefined) === undefined || isWhole(open.arguments);
}

function isWhole(args: string): boolean {
  if (!args.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(args);
    return true;
  } catch {
    return false;
  }
}

/** Some providers send the object itself, not its JSON. */
function argumentsText(args: unknown): string {
  if (typeof args === "string") return args;
  return args === undefined || args === null ? "" : JSON.stringify(args);
}

function newId(): string {
  return `call_${randomUUID()}`;
}
