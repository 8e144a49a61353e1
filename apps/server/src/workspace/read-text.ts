import type { FileHandle } from "node:fs/promises";
import { FileRefusedError } from "./open-inside.ts";

/** Configuration, agents and skills are small: anything larger is a mistake. */
const MAX_TEXT_BYTES = 256 * 1024;

/** The whole of a small text file, without a byte order mark. Throws FileRefusedError for any other file. */
export async function readText(handle: FileHandle): Promise<string> {
  const { size } = await handle.stat();
  if (size > MAX_TEXT_BYTES) throw new FileRefusedError(`is too large (${size} bytes; at most ${MAX_TEXT_BYTES})`);
  const bytes = await readUpTo(handle, MAX_TEXT_BYTES + 1);
  if (bytes.length > MAX_TEXT_BYTES) throw new FileRefusedError(`is too large (at most ${MAX_TEXT_BYTES} bytes)`);
  return decodeText(bytes, { ignoreBOM: false });
}

/** Throws FileRefusedError for what is not UTF-8 text. `ignoreBOM`: a byte order mark stays in the text. */
export function decodeText(bytes: Buffer, { ignoreBOM } = { ignoreBOM: true }): string {
  if (bytes.includes(0)) throw new FileRefusedError("holds NUL bytes: not a text file");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM }).decode(bytes);
  } catch {
    throw new FileRefusedError("is not UTF-8 text; save it as UTF-8");
  }
}

/** Up to `limit` bytes from the start; a file that grows meanwhile cannot make it longer. */
export async function readUpTo(handle: FileHandle, limit: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
