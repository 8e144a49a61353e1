import type { Attachment } from "@my-bot/protocol";
import Image from "next/image";
import { useImageUrl } from "../bot/use-image-url.ts";

interface AttachedImageProps {
  readonly image: Attachment;
  readonly className: string;
}

/** An uploaded image, with its room kept while it comes. */
export function AttachedImage({ image, className }: AttachedImageProps) {
  const url = useImageUrl(image.id);
  const { width, height } = image;
  return (
    <Image
      unoptimized // there is nothing to optimise in a blob
      data-testid="image"
      data-loaded={url !== null}
      src={url ?? EMPTY}
      alt={`${width} × ${height}`}
      width={width}
      height={height}
      className={`bg-muted ${className}`}
    />
  );
}

const EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/** The images of a message that was sent; each opens by itself. */
export function MessageImages({ images }: { images: readonly Attachment[] }) {
  return (
    <ul aria-label="Images" className="flex max-w-[85%] flex-wrap justify-end gap-2">
      {images.map((image) => (
        <li key={image.id}>
          <AttachedImage
            image={image}
            className="h-auto max-h-72 w-auto max-w-full rounded-2xl border object-contain"
          />
        </li>
      ))}
    </ul>
  );
}
