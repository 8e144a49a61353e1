export interface ReadBody {
  readonly bytes: Buffer;
  /** There was more. */
  readonly isCut: boolean;
}

/** Up to `maxBytes` of a body; the rest is not even received. */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null | undefined,
  maxBytes: number,
): Promise<ReadBody> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: length > maxBytes };
}
