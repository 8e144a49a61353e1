import type { Attachment } from "@my-bot/protocol";

/** Stands for an image where it cannot be shown. */
export function imageNote({ media_type, width, height }: Attachment): string {
  return `\n[an image that is not shown here: ${media_type}, ${width} × ${height}]`;
}
