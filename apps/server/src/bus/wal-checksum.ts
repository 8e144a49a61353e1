/** The running checksum of SQLite's write-ahead log: two sums of 32 bits over pairs of words. */
export type Sums = readonly [number, number];

/** `bytes` holds pairs of 32-bit words, in the byte order that the file's header names. */
export function addToSums([first, second]: Sums, bytes: Buffer, isBigEndian: boolean): Sums {
  let a = first;
  let b = second;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + readWord(bytes, at, isBigEndian) + b) | 0;
    b = (b + readWord(bytes, at + 4, isBigEndian) + a) | 0;
  }
  return [a, b];
}

/** Would `bytes` have these sums if one bit of them, or of the sums, were the other way round? */
export function isOneBitAway(
  { computed, stored }: { computed: Sums; stored: Sums },
  bytes: Buffer,
  isBigEndian: boolean,
): boolean {
  if (countBits(computed[0] ^ stored[0]) + countBits(computed[1] ^ stored[1]) === 1) return true;
  const missing: Sums = [(stored[0] - computed[0]) | 0, (stored[1] - computed[1]) | 0];
  // What adding 1 to the second (odd) or the first (even) word of a pair adds to the sums at the end, from the last pair on.
  let odd: Sums = [0, 1];
  let even: Sums = [1, 1];
  for (let at = bytes.length - 8; at >= 0; at -= 8) {
    if (isOneBitOfWord(readWord(bytes, at + 4, isBigEndian), odd, missing)) return true;
    if (isOneBitOfWord(readWord(bytes, at, isBigEndian), even, missing)) return true;
    odd = advance(odd);
    even = advance(even);
  }
  return false;
}

export function countBits(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}

/** One more pair of words behind it. */
function advance([a, b]: Sums): Sums {
  const sum = (a + b) | 0;
  return [sum, (sum + b) | 0];
}

function isOneBitOfWord(word: number, [a, b]: Sums, missing: Sums): boolean {
  for (let bit = 0; bit < 32; bit += 1) {
    const change = (word >>> bit) & 1 ? -(1 << bit) : 1 << bit;
    if (Math.imul(a, change) === missing[0] && Math.imul(b, change) === missing[1]) return true;
  }
  return false;
}

function readWord(bytes: Buffer, at: number, isBigEndian: boolean): number {
  return isBigEndian ? bytes.readInt32BE(at) : bytes.readInt32LE(at);
}
