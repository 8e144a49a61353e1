import { createHash } from "node:crypto";
import { type Attachment, BotError, ImageType } from "@my-bot/protocol";
import { disableTypes, imageSize, types } from "image-size";

const TYPES: Readonly<Record<string, ImageType>> = {
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
};
const FIRST_TURNED = 5; // EXIF orientations from here on lie on their side

disableTypes(types.filter((type) => !(type in TYPES)));

/** What an image is, by its bytes alone (SPEC IMG1). Throws BAD_REQUEST for anything else. */
export function inspectImage(data: Uint8Array): Attachment {
  const { type, width, height, orientation = 1 } = readHeader(data);
  const media_type = TYPES[type ?? ""];
  if (media_type === undefined || !(width > 0) || !(height > 0)) throw notAnImage();
  const [shownWidth, shownHeight] = orientation >= FIRST_TURNED ? [height, width] : [width, height];
  const id = createHash("sha256").update(data).digest("hex");
  return { id, media_type, bytes: data.byteLength, width: shownWidth, height: shownHeight };
}

function readHeader(data: Uint8Array): ReturnType<typeof imageSize> {
  try {
    return imageSize(new Uint8Array(data)); // a copy: in a view the library would read on behind the end
  } catch (cause) {
    throw notAnImage(cause);
  }
}

function notAnImage(cause?: unknown): BotError {
  return new BotError("BAD_REQUEST", `This is no image of a kind that models take: ${ImageType.options.join(", ")}`, {
    cause,
  });
}
