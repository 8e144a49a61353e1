import { setTimeout as delay } from "node:timers/promises";
import { type FaultyModel, startFaultyModel } from "./faulty-model.ts";
import type { FaultyReply } from "./faulty-reply.ts";

export type Drop = "reset" | "end" | "not json" | "error object";

export interface StrikingModel extends AsyncDisposable {
  readonly baseUrl: string;
  /** What each try of a message has written so far; only whole ones are answers. */
  tries(content: string): readonly { readonly text: string; readonly isWhole: boolean }[];
  /** Resolves once the first try of this message has written so many pieces. */
  reaches(content: string, pieces: number): Promise<void>;
}

export interface StrikingModelOptions {
  /** After how many pieces the first try of a message breaks off, and how; undefined: it does not. */
  readonly dropAfter: (content: string) => { readonly pieces: number; readonly how: Drop } | undefined;
  /** Resolves once every reader has been shown text that begins so: the last piece waits for that. */
  readonly shown: (content: string, start: string) => Promise<void>;
}

export const PIECES = 60;
const PERIOD_MS = 5; // between two pieces

interface Try {
  text: string;
  pieces: number;
  isWhole: boolean;
}

/** Streams long answers slowly. No two tries share a word, so that a text mixed of two is noticed. */
export async function startStrikingModel(options: StrikingModelOptions): Promise<StrikingModel> {
  const tries = new Map<string, Try[]>(); // by content of the message
  const waiting = new Set<() => void>(); // asked again after each piece
  const onPiece = (): void => {
    for (const ask of waiting) ask();
  };
  const model: FaultyModel = await startFaultyModel((reply, { content }) => {
    const current: Try = { text: "", pieces: 0, isWhole: false };
    tries.set(content, [...(tries.get(content) ?? []), current]);
    return play(reply, current, { content, onPiece, ...options });
  });
  return {
    baseUrl: model.baseUrl,
    tries: (content) => tries.get(content) ?? [],
    reaches: (content, pieces) =>
      new Promise((resolve) => {
        const ask = (): void => {
          if ((tries.get(content)?.[0]?.pieces ?? 0) < pieces) return;
          waiting.delete(ask);
          resolve();
        };
        waiting.add(ask);
        ask();
      }),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}

async function play(
  reply: FaultyReply,
  current: Try,
  { content, onPiece, dropAfter, shown }: StrikingModelOptions & { content: string; onPiece: () => void },
): Promise<void> {
  const drop = reply.attempt === 1 ? dropAfter(content) : undefined;
  while (current.pieces < PIECES && !reply.isGone) {
    if (current.pieces === drop?.pieces) return breakOff(reply, drop.how);
    if (current.pieces === PIECES - 1) await shown(content, wordOf(reply.attempt, 0));
    write(reply, current);
    onPiece();
    await delay(PERIOD_MS);
  }
  if (reply.isGone) return;
  reply.finish("stop");
  current.isWhole = true;
}

function write(reply: FaultyReply, current: Try): void {
  const word = wordOf(reply.attempt, current.pieces);
  reply.text(word);
  current.text += word;
  current.pieces += 1;
}

function wordOf(attempt: number, index: number): string {
  return `t${attempt}w${index} `;
}

function breakOff(reply: FaultyReply, how: Drop): void {
  if (how === "reset") {
    reply.reset();
    return;
  }
  if (how === "not json") reply.raw("data: {not json\n\n");
  if (how === "error object") reply.raw(`data: ${JSON.stringify({ error: { message: "overloaded" } })}\n\n`);
  reply.end();
}
