import type { Attachment } from "@my-bot/protocol";
import type OpenAI from "openai";
import { imageNote } from "../image-note.ts";
import type { ModelMessage } from "../language-model.ts";

/** The bytes of an image; undefined: it is gone. */
export type ReadImage = (id: string) => Uint8Array | undefined;

type Part = OpenAI.ChatCompletionContentPart;

const MOST_BYTES = 20 * 1024 * 1024; // of all images of one request

/** The newest images of a conversation that one request has room for (SPEC IMG3). */
export function chooseImages(messages: readonly ModelMessage[]): ReadonlySet<Attachment> {
  const images = messages.flatMap((message) => (message.role === "user" ? (message.images ?? []) : []));
  const chosen = new Set<Attachment>();
  let room = MOST_BYTES;
  for (const image of images.reverse()) {
    room -= image.bytes;
    if (room < 0) break;
    chosen.add(image);
  }
  return chosen;
}

/** A question with its images as data URLs; with a note for each that is not `shown`, or gone. */
export function questionParts(
  content: string,
  images: readonly Attachment[],
  { shown, readImage }: { readonly shown: ReadonlySet<Attachment>; readonly readImage: ReadImage },
): string | Part[] {
  const parts: Part[] = [];
  let text = content;
  for (const image of images) {
    const data = shown.has(image) ? readImage(image.id) : undefined;
    if (data === undefined) text += imageNote(image);
    else parts.push({ type: "image_url", image_url: { url: dataUrl(image, data) } });
  }
  if (parts.length === 0) return text;
  return text === "" ? parts : [{ type: "text", text }, ...parts]; // some providers refuse an empty text
}

function dataUrl({ media_type }: Attachment, data: Uint8Array): string {
  return `data:${media_type};base64,${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")}`;
}
