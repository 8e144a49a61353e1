import { crc32 } from "node:zlib";

export interface ChecksummedRow {
  readonly seq: number;
  readonly sessionId: string;
  readonly sessionSource: string;
  readonly body: string;
}

/**
 * Of the whole row, since a changed session hides an event as much as a changed body. Not chained: when a session is
 * deleted, the checksums of all others stay true.
 */
export function eventChecksum({ seq, sessionId, sessionSource, body }: ChecksummedRow): number {
  return crc32(`${seq}\n${sessionId}\n${sessionSource}\n${body}`);
}
