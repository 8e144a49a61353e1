import type { Attachment } from "@my-bot/protocol";
import { useEffect, useRef, useState } from "react";
import { useBot } from "./bot.tsx";
import { errorText } from "./errors.ts";

const MOST = 8; // of one message (SPEC IMG2)

export interface Uploads {
  readonly images: readonly Attachment[];
  /** How many are still on their way. */
  readonly pending: number;
  /** Why the last one was refused. */
  readonly problem: string | null;
  add(files: readonly File[]): void;
  remove(id: string): void;
  clear(): void;
}

/** The images of a message that is being written: each is given to the server at once, and waits there to be sent. */
export function useUploads(initial: () => readonly Attachment[]): Uploads {
  const { client } = useBot();
  const [images, setImages] = useState(initial);
  const [pending, setPending] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const leaving = useLeaving();

  const upload = async (file: File): Promise<void> => {
    setPending((count) => count + 1);
    try {
      const image = await client.attachments.upload(file, { signal: leaving() });
      setImages((before) => [...before.filter(({ id }) => id !== image.id), image].slice(0, MOST));
    } catch (cause) {
      if (!leaving().aborted) setProblem(`${file.name}: ${errorText(cause)}`);
    } finally {
      setPending((count) => count - 1);
    }
  };
  return {
    images,
    pending,
    problem,
    add: (files) => {
      setProblem(images.length + pending + files.length > MOST ? `A message takes at most ${MOST} images` : null);
      for (const file of files) void upload(file);
    },
    remove: (id) => setImages((before) => before.filter((image) => image.id !== id)),
    clear: () => setImages([]),
  };
}

/** Gives a signal that aborts when the component goes. */
function useLeaving(): () => AbortSignal {
  const controller = useRef(new AbortController());
  useEffect(() => {
    controller.current = new AbortController();
    return () => controller.current.abort();
  }, []);
  return () => controller.current.signal;
}
