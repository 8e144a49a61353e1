import type { CommandView } from "@my-bot/protocol";
import { ArrowUp, Square } from "lucide-react";
import {
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { keepDraft, readDraft } from "../bot/draft.ts";
import { COMMAND_MENU_ID, CommandMenu, commandOptionId } from "./command-menu.tsx";
import { useCommandMenu } from "./use-command-menu.ts";

const MAX_INDEX = 2 ** 31 - 1; // the end of any text

interface ComposerProps {
  readonly sessionId: string | null;
  readonly agent: string;
  readonly commands: readonly CommandView[];
  readonly maxBytes: number;
  onSend(text: string): void;
  /** Null while there is nothing to stop. */
  readonly onStop: (() => void) | null;
}

/** Keyed by the session: each has its own draft. */
export function Composer({ sessionId, agent, commands, maxBytes, onSend, onStop }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useDraft(sessionId);
  const bytes = utf8Length(text);
  const canSend = text.trim() !== "" && bytes <= maxBytes;
  useGrowing(field, text);
  useFocus(field);

  const write = (next: string): void => {
    setText(next);
    field.current?.focus();
  };
  const send = (content: string): void => {
    onSend(content);
    write("");
  };
  const menu = useCommandMenu({ text, commands, onComplete: write, onSend: send });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (canSend) send(text);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.nativeEvent.isComposing && menu.onKeyDown(event)) event.preventDefault();
    else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };

  return (
    <form
      onSubmit={submit}
      className="relative mx-auto w-full max-w-3xl px-4 pb-4 before:pointer-events-none before:absolute before:inset-x-0 before:-top-5 before:h-5 before:bg-linear-to-t before:from-background sm:px-6"
    >
      <CommandMenu menu={menu} />
      <div className="flex items-end gap-2 rounded-2xl border bg-background p-2 shadow-xs focus-within:border-muted-foreground">
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
      <ComposerNote bytes={bytes} maxBytes={maxBytes} />
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

function ComposerNote({ bytes, maxBytes }: { bytes: number; maxBytes: number }) {
  const isTooLong = bytes > maxBytes;
  return (
    <p
      id="composer-note"
      role={isTooLong ? "alert" : undefined}
      data-testid="composer-note"
      className={`mt-2 min-h-4 text-center text-xs ${isTooLong ? "text-destructive" : "text-muted-foreground max-sm:hidden"}`}
    >
      {isTooLong
        ? `Too long to send: ${formatBytes(bytes)} of at most ${formatBytes(maxBytes)}`
        : "Enter sends, Shift+Enter starts a new line"}
    </p>
  );
}

function useDraft(sessionId: string | null): [text: string, setText: (text: string) => void] {
  const [text, setText] = useState(() => readDraft(sessionId));
  useEffect(() => keepDraft(sessionId, text), [sessionId, text]);
  return [text, setText];
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
