import { closeSync, openSync, readSync, statSync } from "node:fs";

const PIECE_BYTES = 1024 * 1024;
const MEMORY_SHARE = 0.5;

/**
 * Reads a file from its beginning to its end, so that the system has it in memory: page by page in the order of tables
 * and indexes, a disk takes many times longer. Leaves a file alone that would push out too much else.
 */
export function readThrough(path: string): void {
  if (statSync(path).size > MEMORY_SHARE * process.availableMemory()) return;
  const descriptor = openSync(path, "r");
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    while (readSync(descriptor, piece) > 0);
  } finally {
    closeSync(descriptor);
  }
}
