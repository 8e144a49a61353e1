import { ImagePlus, X } from "lucide-react";
import { useRef } from "react";
import type { Uploads } from "../bot/use-uploads.ts";
import { AttachedImage } from "./attached-image.tsx";
import { IconButton } from "./icon-button.tsx";

const TYPES = "image/png,image/jpeg,image/webp,image/gif";

/** What is being dropped or pasted. */
export function imagesOf({ files }: DataTransfer): readonly File[] {
  return Array.from(files).filter(({ type }) => type.startsWith("image/"));
}

export function AddImagesButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={TYPES}
        multiple
        hidden
        data-testid="image-input"
        onChange={({ target }) => {
          onFiles(Array.from(target.files ?? []));
          target.value = ""; // so that the same file can be chosen again
        }}
      />
      <IconButton
        label="Add images"
        data-testid="add-images"
        className="size-9 rounded-xl"
        onClick={() => input.current?.click()}
      >
        <ImagePlus aria-hidden="true" className="size-4" />
      </IconButton>
    </>
  );
}

/** The images of the message that is being written. */
export function ComposerImages({ images, pending, remove }: Pick<Uploads, "images" | "pending" | "remove">) {
  if (images.length + pending === 0) return null;
  return (
    <ul aria-label="Images to send" className="flex flex-wrap gap-2 px-1 pb-2">
      {images.map((image) => (
        <li key={image.id} className="relative" data-testid="image-to-send">
          <AttachedImage image={image} className="size-16 rounded-xl border object-cover" />
          <button
            type="button"
            aria-label={`Remove the image, ${image.width} × ${image.height}`}
            onClick={() => remove(image.id)}
            className="absolute -top-1.5 -right-1.5 inline-flex size-6 items-center justify-center rounded-full border bg-background hover:bg-muted"
          >
            <X aria-hidden="true" className="size-3.5" />
          </button>
        </li>
      ))}
      {pending > 0 && (
        <li className="flex size-16 items-center justify-center rounded-xl border bg-muted text-muted-foreground text-xs motion-safe:animate-pulse">
          {pending === 1 ? "Uploading" : `${pending} more`}
        </li>
      )}
    </ul>
  );
}
