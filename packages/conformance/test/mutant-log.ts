import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RpcReader } from "./mutant-rpc-doors.ts";

export interface WireEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface LogEvent extends WireEvent {
  readonly run_id: string;
  readonly session_id: string;
  readonly content: string;
}

export interface StoredRecord {
  readonly cursor: string;
  readonly event: LogEvent;
}

/** Someone who follows the log. */
export interface Reader extends RpcReader {
  position: number; // in `records`
  isHeld: boolean;
  hangUp?(): void;
}

export const [port = "", folder = ".", mutation] = process.argv.slice(2);
const LATE_MS = 200;
const VERY_LATE_MS = 1500;
const UNLUCKY = 20; // the number of an event
const WAL_STEP = 10 * 1024 * 1024;
mkdirSync(folder, { recursive: true });
const logFile = join(folder, "log");
const lockFile = join(folder, "lock");
export const readers = new Set<Reader>();
/** What mutations store too late. */
export let queue: StoredRecord[] = [];
let walBytes = 0;

if (mutation === "starts over a stale lock only at the second try" && existsSync(lockFile)) {
  rmSync(lockFile);
  process.exit(1);
}
if (mutation === "keeps a stale lock" && existsSync(lockFile)) {
  process.stderr.write(`${folder} is in use\n`);
  process.exit(1);
}
writeFileSync(lockFile, "");
const epoch = readEpoch(join(folder, "epoch"));

export const records: StoredRecord[] = existsSync(logFile) ? parseLines(readFileSync(logFile, "utf8")) : [];
if (mutation === "forgets on restart" && records.length > 8) dropStored(-4);
if (mutation === "forgets the oldest on restart" && records.length > 8) dropStored(0);
/** Number of the newest event. */
export let next = Number(records.at(-1)?.cursor.split("-")[1] ?? 0);
if (mutation === "reuses ids" && records.length > 8) next -= 3;

function dropStored(from: number): void {
  records.splice(from, 4);
  writeFileSync(logFile, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

function readEpoch(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `m${randomBytes(4).toString("hex")}`);
  return readFileSync(file, "utf8");
}

function parseLines(text: string): StoredRecord[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

export function append(event: LogEvent): StoredRecord {
  next += 1;
  const record = { cursor: `${epoch}-${next}`, event };
  if (mutation === "acknowledges before it stores") {
    queue.push(record);
    return record;
  }
  if (mutation === "shows before it stores") queue.push(record);
  else appendFileSync(logFile, `${JSON.stringify(record)}\n`);
  records.push(record);
  for (const reader of readers) pump(reader);
  return record;
}

function flush(): void {
  const late = queue;
  queue = [];
  appendFileSync(logFile, late.map((record) => `${JSON.stringify(record)}\n`).join(""));
  if (mutation === "acknowledges before it stores") records.push(...late);
  for (const reader of readers) pump(reader);
}
setInterval(flush, LATE_MS);

function pump(reader: Reader): void {
  if (reader.isHeld) return;
  for (const record of records.slice(reader.position)) sendLive(reader, record);
  reader.position = records.length;
  if (next !== UNLUCKY) return;
  if (mutation === "reorders live events") swapLast(reader);
  if (mutation === "hangs up on readers") reader.hangUp?.();
}

function sendLive(reader: Reader, { cursor, event }: StoredRecord): void {
  const isUnlucky = next % 7 === 0;
  if (mutation === "drops live events" && isUnlucky) return;
  reader.send(event, cursor);
  if (mutation === "repeats live events" && isUnlucky) reader.send(event, cursor);
  if (mutation === "invents live events" && isUnlucky) reader.send({ ...event, run_id: "?" }, `${cursor}0`);
}

/** The next two come in the wrong order. */
function swapLast(reader: Reader): void {
  reader.isHeld = true;
  setTimeout(() => {
    reader.isHeld = false;
    const [first, second] = records.slice(reader.position);
    if (!first || !second) return;
    reader.send(second.event, second.cursor);
    reader.send(first.event, first.cursor);
    reader.position += 2;
    pump(reader);
  }, LATE_MS);
}

export function nextCursor(): string {
  return `${epoch}-${next + 1}`;
}

export function growWal(): void {
  const file = join(folder, "log-wal");
  walBytes += WAL_STEP;
  writeFileSync(file, "");
  truncateSync(file, walBytes);
}

/** Why this cursor cannot be resumed: undefined when it can. */
function findFault(after: unknown): "malformed" | "unknown_store" | "beyond_end" | undefined {
  if (after === undefined || after === null || after === "0") return undefined;
  const [, store, number] = (typeof after === "string" && /^(m[0-9a-f]{8})-(\d{1,15})(?:\.\d+)?$/.exec(after)) || [];
  if (store === undefined) return "malformed";
  if (store !== epoch) return "unknown_store";
  return Number(number) > next ? "beyond_end" : undefined;
}

/** From behind `after` on; returns the end of it. */
export function follow(to: RpcReader & Pick<Reader, "hangUp">, after: unknown): () => void {
  const fault = findFault(after);
  const isHidden = fault !== undefined && mutation === "is silent about bad cursors";
  const found = records.findIndex(({ cursor }) => cursor === String(after).split(".")[0]);
  const position = after === undefined || after === null || isHidden ? records.length : found + 1;
  const reader: Reader = { ...to, position, isHeld: false };
  const begin = (): void => {
    if (fault === "malformed" && !isHidden) {
      reader.refuse("Malformed cursor");
      return;
    }
    if (fault !== undefined && !isHidden) sendGap(reader, fault);
    replay(reader);
  };
  const isGap = fault !== undefined && fault !== "malformed";
  if (isGap && mutation === "hesitates over bad cursors") setTimeout(begin, VERY_LATE_MS);
  else begin();
  return () => void readers.delete(reader);
}

function replay(reader: Reader): void {
  readers.add(reader);
  spoilReplay(reader);
  pump(reader);
  reader.send({ type: "SyncedEvent" }, `${records.at(-1)?.cursor ?? "0"}.1`);
  if (mutation === "has a seam after the replay") holdBack(reader);
}

function sendGap(reader: Reader, fault: string): void {
  reader.send({ type: "GapEvent", reason: mutation === "mixes up reasons" ? "pruned" : fault }, `${epoch}-0.1`);
  if (mutation === "goes on in the middle after a gap") reader.position = Math.floor(records.length / 2);
}

function spoilReplay(reader: Reader): void {
  const [first, second] = records.slice(reader.position);
  if (first === undefined || second === undefined || reader.position === 0) return;
  if (mutation === "drops from the replay") reader.position += 1;
  if (mutation === "repeats in the replay") reader.position -= 1;
  if (mutation === "changes events in the replay") {
    reader.send({ ...first.event, session_id: "?" }, first.cursor);
    reader.position += 1;
  }
  if (mutation === "reorders the replay") {
    reader.send(second.event, second.cursor);
    reader.send(first.event, first.cursor);
    reader.position += 2;
  }
}

/** Live events reach it only a while after its replay; those in between nobody gives it. */
function holdBack(reader: Reader): void {
  reader.isHeld = true;
  setTimeout(() => {
    reader.position = records.length;
    reader.isHeld = false;
  }, LATE_MS);
}

/** Stores what is late; the next start finds no lock. */
export function closeLog(): void {
  flush();
  rmSync(lockFile, { force: true });
}
