import type { Attachment, CommandView } from "@my-bot/protocol";
import { ArrowUp, Square } from "lucide-react";
import {
  type ClipboardEvent,
  type DragEvent,
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { keepDraft, readDraft } from "../bot/draft.ts";
import { useUploads } from "../bot/use-uploads.ts";
import { COMMAND_MENU_ID, CommandMenu, commandOptionId } from "./command-menu.tsx";
import { AddImagesButton, ComposerImages, imagesOf } from "./composer-images.tsx";
import { useCommandMenu } from "./use-command-menu.ts";

const MAX_INDEX = 2 ** 31 - 1; // the end of any text

interface ComposerProps {
  readonly sessionId: string | null;
  readonly agent: string;
  readonly commands: readonly CommandView[];
  readonly maxBytes: number;
  readonly takesImages: boolean;
  onSend(text: string, images: readonly Attachment[]): void;
  /** Null while there is nothing to stop. */
  readonly onStop: (() => void) | null;
}

/** Keyed by the session: each has its own draft. */
export function Composer({ sessionId, agent, commands, maxBytes, takesImages, onSend, onStop }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const { text, setText, uploads } = useDraft(sessionId);
  const bytes = utf8Length(text);
  const isEmpty = text.trim() === "" && uploads.images.length === 0;
  const canSend = !isEmpty && uploads.pending === 0 && bytes <= maxBytes;
  useGrowing(field, text);
  useFocus(field);

  const write = (next: string): void => {
    setText(next);
    field.current?.focus();
  };
  const sendCommand = (command: string): void => {
    onSend(command, []);
    write("");
  };
  const menu = useCommandMenu({ text, commands, onComplete: write, onSend: sendCommand });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!canSend) return;
    onSend(text, uploads.images);
    write("");
    uploads.clear();
  };
  const takeImages = (event: ClipboardEvent | DragEvent, data: DataTransfer): void => {
    const files = takesImages ? imagesOf(data) : [];
    if (files.length === 0) return;
    event.preventDefault();
    uploads.add(files);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.nativeEvent.isComposing && menu.onKeyDown(event)) event.preventDefault();
    else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };

  return (
    <form
      onSubmit={submit}
      onPaste={(event) => takeImages(event, event.clipboardData)}
      onDrop={(event) => takeImages(event, event.dataTransfer)}
      onDragOver={(event) => takesImages && event.preventDefault()}
      className="relative mx-auto w-full max-w-3xl px-4 pb-4 before:pointer-events-none before:absolute before:inset-x-0 before:-top-5 before:h-5 before:bg-linear-to-t before:from-background sm:px-6"
    >
      <CommandMenu menu={menu} />
      <div className="rounded-2xl border bg-background p-2 shadow-xs focus-within:border-muted-foreground">
        <ComposerImages {...uploads} />
        <div className="flex items-end gap-2">
          {takesImages && <AddImagesButton onFiles={uploads.add} />}
          <textarea
            ref={field}
            rows={1}
            data-testid="composer"
            aria-label="Message"
            aria-describedby="composer-note"
            aria-autocomplete="list"
            aria-haspopup="listbox"
            aria-controls={menu.active && COMMAND_MENU_ID}
            aria-activedescendant={menu.active && commandOptionId(menu.active)}
            placeholder={`Message ${agent}`}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
            className="max-h-56 min-h-9 flex-1 resize-none bg-transparent px-2 py-1.5 leading-6 outline-none placeholder:text-muted-foreground"
          />
          {onStop && <StopButton onStop={onStop} />}
          <SendButton isEnabled={canSend} />
        </div>
      </div>
      <ComposerNote problem={uploads.problem ?? tooLong(bytes, maxBytes)} />
    </form>
  );
}

function SendButton({ isEnabled }: { isEnabled: boolean }) {
  return (
    <button
      type="submit"
      data-testid="send"
      aria-label="Send"
      title="Send"
      disabled={!isEnabled}
      className="inline-flex size-9 shrink-0 items-center justify-center rounded-xl bg-primary text-primary-foreground disabled:bg-muted disabled:text-muted-foreground"
    >
      <ArrowUp aria-hidden="true" className="size-4" />
    </button>
  );
}

function StopButton({ onStop }: { onStop: () => void }) {
  return (
    <button
      type="button"
      data-testid="stop"
      aria-label="Stop"
      title="Stop"
      onClick={onStop}
      className="inline-flex size-9 shrink-0 items-center justify-center rounded-xl border hover:bg-muted"
    >
      <Square aria-hidden="true" className="size-3.5 fill-current" />
    </button>
  );
}

function ComposerNote({ problem }: { problem: string | null }) {
  return (
    <p
      id="composer-note"
      role={problem === null ? undefined : "alert"}
      data-testid="composer-note"
      className={`mt-2 min-h-4 text-center text-xs ${problem === null ? "text-muted-foreground max-sm:hidden" : "text-destructive"}`}
    >
      {problem ?? "Enter sends, Shift+Enter starts a new line"}
    </p>
  );
}

function tooLong(bytes: number, maxBytes: number): string | null {
  return bytes > maxBytes ? `Too long to send: ${formatBytes(bytes)} of at most ${formatBytes(maxBytes)}` : null;
}

function useDraft(sessionId: string | null) {
  const [text, setText] = useState(() => readDraft(sessionId).text);
  const uploads = useUploads(() => readDraft(sessionId).images);
  const { images } = uploads;
  useEffect(() => keepDraft(sessionId, { text, images }), [sessionId, text, images]);
  return { text, setText, uploads };
}

function useFocus(field: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    if (!window.matchMedia("(hover: hover)").matches) return; // it would raise a keyboard
    field.current?.focus();
    field.current?.setSelectionRange(MAX_INDEX, MAX_INDEX);
  }, [field]);
}

function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = text === "" ? "" : `${element.scrollHeight}px`;
  }, [field, text]);
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function formatBytes(bytes: number): string {
  return `${bytes.toLocaleString("en")} bytes`;
}
