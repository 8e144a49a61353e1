import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import type { Attachment } from "@my-bot/protocol";

/** A PNG that any browser shows; another `shade`, another image. */
export function pngImage({ shade = 0, width = 2, height = 2 } = {}): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8); // bits of a shade of grey
  const pixels = Buffer.alloc(height * (width + 1), shade);
  for (let row = 0; row < height; row += 1) pixels[row * (width + 1)] = 0; // no filter
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const chunks = [pngChunk("IHDR", header), pngChunk("IDAT", deflateSync(pixels)), pngChunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** The beginnings of 3 × 2 images of the other kinds. */
export const OTHER_IMAGES = {
  "image/gif": Buffer.from("47494638396103000200800000000000ffffff2c00000000030002000002028451003b", "hex"),
  "image/jpeg": Buffer.from("ffd8ffe000104a46494600010100000100010000ffc0000b080002000301011100ffd9", "hex"),
  "image/webp": Buffer.from("524946461a000000574542505650384c0d0000002f02400000071011118888fe0700", "hex"),
} as const;

export function idOf(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Uploads as any HTTP client would. */
export async function uploadTo(url: string, data: Uint8Array<ArrayBuffer>): Promise<Attachment> {
  const response = await fetch(`${url}/attachments`, { method: "POST", body: data });
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`);
  return (await response.json()) as Attachment;
}
