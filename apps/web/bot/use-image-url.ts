import { useEffect, useState } from "react";
import { useBot } from "./bot.tsx";

/** An address for `<img>` of an uploaded image, which may need the token; null until it is there. */
export function useImageUrl(attachmentId: string): string | null {
  const { client, reportError } = useBot();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    let made: string | undefined;
    client.attachments.download(attachmentId, { signal: controller.signal }).then(
      (image) => {
        if (controller.signal.aborted) return;
        made = URL.createObjectURL(image);
        setUrl(made);
      },
      (cause: unknown) => {
        if (!controller.signal.aborted) reportError(cause);
      },
    );
    return () => {
      controller.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [client, attachmentId, reportError]);
  return url;
}
