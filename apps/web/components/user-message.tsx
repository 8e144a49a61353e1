import type { Attachment } from "@my-bot/protocol";
import type { ReactNode } from "react";
import { useBot } from "../bot/bot.tsx";
import type { LocalMessage } from "../bot/outbox.ts";
import { useConnection } from "../bot/use-connection.ts";
import { MessageImages } from "./attached-image.tsx";

interface UserMessageProps {
  readonly text: string;
  readonly images?: readonly Attachment[] | undefined;
  /** What is said about the message below it. */
  readonly note?: ReactNode;
  readonly isFaint?: boolean;
}

export function UserMessage({ text, images = [], note, isFaint }: UserMessageProps) {
  return (
    <article data-testid="message" data-role="user" aria-label="You" className="flex flex-col items-end gap-1">
      {images.length > 0 && <MessageImages images={images} />}
      {text !== "" && (
        <div
          className={`max-w-[85%] whitespace-pre-wrap break-words rounded-2xl rounded-br-md bg-muted px-4 py-2.5 ${isFaint ? "opacity-70" : ""}`}
        >
          {text}
        </div>
      )}
      {note && <span className="text-muted-foreground text-xs">{note}</span>}
    </article>
  );
}

/** A message that the log does not have yet. */
export function PendingMessage({ message }: { message: LocalMessage }) {
  const connection = useConnection();
  if (message.error !== null) return <RefusedMessage message={message} error={message.error} />;
  const note = connection === "live" ? undefined : "Waits for the connection";
  return <UserMessage text={message.content} images={message.attachments} note={note} isFaint />;
}

function RefusedMessage({ message, error }: { message: LocalMessage; error: string }) {
  const { outbox } = useBot();
  return (
    <div className="flex flex-col items-end gap-1">
      <UserMessage text={message.content} images={message.attachments} />
      <div role="alert" className="flex flex-wrap justify-end gap-x-3 text-xs">
        <span className="text-destructive">Not sent: {error}</span>
        <button type="button" className="underline" onClick={() => outbox.retry(message.message_id)}>
          Try again
        </button>
        <button type="button" className="underline" onClick={() => outbox.remove(message.message_id)}>
          Discard
        </button>
      </div>
    </div>
  );
}
