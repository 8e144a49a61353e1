import * as z from "zod";

/** What an image may be: that is told by its bytes. */
export const ImageType = z.enum(["image/png", "image/jpeg", "image/webp", "image/gif"]);
export type ImageType = z.infer<typeof ImageType>;

/** The SHA-256 of an image's bytes, in hexadecimal: the same image has the same id. */
export const AttachmentId = z.string().regex(/^[0-9a-f]{64}$/, "is not the id that an upload gave");

/** An image that was uploaded, and that messages may name (SPEC IMG1). */
export const Attachment = z.object({
  id: AttachmentId,
  media_type: ImageType,
  bytes: z.int(),
  width: z.int(), // pixels
  height: z.int(),
});
export type Attachment = z.infer<typeof Attachment>;
