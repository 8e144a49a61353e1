import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { addToSums, countBits, isOneBitAway, type Sums } from "./wal-checksum.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

interface WalFile {
  readonly descriptor: number;
  readonly frameBytes: number;
  readonly frames: number;
  readonly isBigEndian: boolean;
  readonly salts: Sums;
  readonly sums: Sums; // of the header, where the first frame goes on
}

interface Frame {
  readonly content: Buffer; // what the checksum covers
  readonly stored: Sums;
  readonly salts: Sums;
  readonly hasSalts: boolean; // of this use of the file
}

interface BadFrame {
  readonly index: number;
  readonly computed: Sums;
}

/**
 * SQLite ends its write-ahead log at the first frame whose checksum is wrong, without a word: right after a power cut,
 * where that is the transaction that was being written, but a silent loss when a synced one has gone bad. This tells
 * the two apart, before SQLite opens the file: what is followed by another transaction was synced, and one wrong bit is
 * no interrupted write. Undefined: no damage.
 */
export function findWalDamage(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return undefined; // there is none after an orderly stop
  }
  try {
    const { size } = fstatSync(descriptor);
    const header = readBytes(descriptor, 0, HEADER_BYTES);
    if (size <= HEADER_BYTES + FRAME_HEADER_BYTES) return undefined; // torn before its first frame
    const wal = readHeader(descriptor, header, size);
    return wal ? findBadFrame(wal) : "the header of its write-ahead log (-wal) is wrong";
  } finally {
    closeSync(descriptor);
  }
}

function readHeader(descriptor: number, header: Buffer, size: number): WalFile | undefined {
  const magic = header.readUInt32BE(0);
  if (magic >>> 1 !== 0x377f0682 >>> 1) return undefined;
  const isBigEndian = (magic & 1) === 1;
  const sums = addToSums([0, 0], header.subarray(0, 24), isBigEndian);
  if (!isSame(sums, readPair(header, 24))) return undefined;
  const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(8);
  const frames = Math.floor((size - HEADER_BYTES) / frameBytes);
  return { descriptor, frameBytes, frames, isBigEndian, salts: readPair(header, 16), sums };
}

function findBadFrame(wal: WalFile): string | undefined {
  let sums = wal.sums;
  for (let index = 0; index < wal.frames; index += 1) {
    const { content, stored, salts, hasSalts } = readFrame(wal, index);
    const computed = addToSums(sums, content, wal.isBigEndian);
    if (hasSalts && isSame(computed, stored)) {
      sums = computed;
      continue;
    }
    const isBitChanged = hasSalts
      ? isOneBitAway({ computed, stored }, content, wal.isBigEndian)
      : isSame(computed, stored) && distance(salts, wal.salts) === 1;
    return isBitChanged || hasLaterTransaction(wal, { index, computed })
      ? `frame ${index + 1} of its write-ahead log (-wal) does not match its checksum`
      : undefined;
  }
  return undefined;
}

/**
 * Is there a transaction that another one was written behind? Its checksums go on from one to the other, which tells it
 * from what an earlier interrupted transaction has left there. Frames of an earlier use of the file have other salts.
 */
function hasLaterTransaction(wal: WalFile, { index: badIndex, computed }: BadFrame): boolean {
  for (let index = badIndex; index + 1 < wal.frames; index += 1) {
    const header = readBytes(wal.descriptor, HEADER_BYTES + index * wal.frameBytes, FRAME_HEADER_BYTES);
    const isCommit = header.readUInt32BE(4) !== 0; // the last frame of a transaction tells the size of the database
    if (!isCommit || !isSame(readPair(header, 8), wal.salts)) continue;
    const next = readFrame(wal, index + 1);
    const isBehind = (sums: Sums): boolean => isSame(addToSums(sums, next.content, wal.isBigEndian), next.stored);
    if (next.hasSalts && (isBehind(readPair(header, 16)) || (index === badIndex && isBehind(computed)))) return true;
  }
  return false;
}

function readFrame(wal: WalFile, index: number): Frame {
  const frame = readBytes(wal.descriptor, HEADER_BYTES + index * wal.frameBytes, wal.frameBytes);
  const salts = readPair(frame, 8);
  return {
    content: Buffer.concat([frame.subarray(0, 8), frame.subarray(FRAME_HEADER_BYTES)]),
    stored: readPair(frame, 16),
    salts,
    hasSalts: isSame(salts, wal.salts),
  };
}

function readBytes(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(descriptor, bytes, 0, length, position);
  return bytes;
}

function readPair(bytes: Buffer, at: number): Sums {
  return [bytes.readInt32BE(at), bytes.readInt32BE(at + 4)];
}

function isSame(one: Sums, other: Sums): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

function distance(one: Sums, other: Sums): number {
  return countBits(one[0] ^ other[0]) + countBits(one[1] ^ other[1]);
}
