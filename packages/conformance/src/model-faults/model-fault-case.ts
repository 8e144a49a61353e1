import type { Asked } from "../model/faulty-model.ts";
import type { FaultyReply } from "../model/faulty-reply.ts";
import { answerTo } from "../model/scripted-model.ts";

/** What a model can wait for before it goes on. */
export interface Stage {
  /** Resolves when a client has been shown this text of the turn. */
  shown(content: string, text: string): Promise<void>;
  /** Resolves a moment after the client that sent the message has gone. */
  senderLeft(content: string): Promise<void>;
}

/** What the table of provider faults says about one of them. */
export interface Expected {
  /** Of the OutboundEvent; null: the run succeeds. */
  readonly error: RegExp | null;
  /** Is this its content? */
  readonly isText: (content: string, asked: string) => boolean;
  /** Requests to the provider; null where it cannot count them. */
  readonly tries: number | null;
  /** Milliseconds from the receipt to the answer. */
  readonly atLeastMs?: number;
  readonly withinMs: number;
  /** Has the server to end the request, the last one at least, before the provider does? */
  readonly isCancelled: boolean;
  readonly toolResults?: { readonly all: number; readonly failed: number };
}

export interface ModelFaultCase {
  /** The row of the table and what is special: `L04-after-text`. */
  readonly name: string;
  /** A folder of the workspace under test; see `prepareFaultyAgents`. */
  readonly agent: "pickle" | "patient" | "refused" | "nameless";
  readonly play: (reply: FaultyReply, asked: Asked, stage: Stage) => Promise<void> | void;
  readonly expected: Expected;
  /** What the sender does: stops the run when the first request has come, or when text is shown, or hangs up. */
  readonly sender?: "stops at request" | "stops at text" | "leaves at text";
  /** So large that it runs alone, with the memory of the server measured. */
  readonly isHeavy?: boolean;
}

/** Milliseconds; the same as in the configuration of the server under test. */
export interface FaultTimes {
  readonly firstByte: number;
  readonly idle: number;
  /** A Retry-After that is just short enough to be honoured. */
  readonly longWait: number;
}

export const KEY = "sk-planted-3f9d27c1b8"; // no event may hold it

const PAUSES_MS = 250 + 1000; // before the second and the third try

export function isWhole(content: string, asked: string): boolean {
  return content === answerTo(asked);
}

export function isEmpty(content: string): boolean {
  return content === "";
}

/** An answer without a fault. */
export function playWell(reply: FaultyReply, { content }: Asked): void {
  reply.text(...answerTo(content).split(/(?<= )/));
  reply.finish("stop");
}

/** The run succeeds after so many tries. */
export function answered(tries: number, more: Partial<Expected> = {}): Expected {
  return { error: null, isText: isWhole, tries, withinMs: PAUSES_MS, isCancelled: false, ...more };
}

/** The run fails after so many tries. */
export function failed(error: RegExp, tries: number | null, more: Partial<Expected> = {}): Expected {
  return { error, isText: isEmpty, tries, withinMs: PAUSES_MS, isCancelled: false, ...more };
}

/** Nothing more, until the other side goes away. */
export async function hang(gone: Promise<unknown>): Promise<void> {
  await gone;
}
