import type { SessionView } from "@my-bot/protocol";
import { CornerDownRight, Pencil, Trash2 } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { sessionFragment } from "../bot/fragment.ts";
import { IconButton } from "./icon-button.tsx";
import { SourceBadge } from "./source-badge.tsx";

interface SessionItemProps {
  readonly session: SessionView;
  /** Of a session that an agent of another one began. */
  readonly parent: SessionView | undefined;
  /** Agents of it began other sessions, which go with it. */
  readonly hasTasks: boolean;
  readonly isSelected: boolean;
  onSelect(): void;
  onRename(title: string): void;
  onDelete(): void;
}

export function sessionTitle(session: SessionView | null | undefined): string {
  return session?.title ?? (session && session.message_count > 0 ? "Images" : "New conversation");
}

/** A conversation in the list: a link, and in its place the form or the question that was asked for. */
export function SessionItem(props: SessionItemProps) {
  const { session, parent, hasTasks, isSelected, onSelect, onRename, onDelete } = props;
  const [mode, setMode] = useState<"link" | "rename" | "delete">("link");
  const title = sessionTitle(session);
  const close = (): void => setMode("link");
  return (
    <li
      data-testid="session"
      data-session-id={session.session_id}
      className={`group relative rounded-lg ${isSelected ? "bg-muted" : "hover:bg-muted/60"}`}
    >
      {mode === "rename" && <RenameForm title={title} onRename={onRename} onClose={close} />}
      {mode === "delete" && <DeleteQuestion hasTasks={hasTasks} onDelete={onDelete} onClose={close} />}
      {mode === "link" && (
        <>
          <a
            href={sessionFragment(session.session_id)}
            aria-current={isSelected ? "page" : undefined}
            onClick={onSelect}
            className="flex min-h-9 items-center gap-2 rounded-lg px-2.5 py-1.5 text-sm"
          >
            {session.parent_session_id !== null && <ChildMark parent={parent} />}
            <span className="min-w-0 flex-1 truncate">{title}</span>
            {session.open_runs > 0 && <WorkingDot />}
            <span className="group-hover:invisible">
              <SourceBadge source={session.source} />
            </span>
          </a>
          <ItemButtons title={title} isSelected={isSelected} onMode={setMode} />
        </>
      )}
    </li>
  );
}

function ChildMark({ parent }: { parent: SessionView | undefined }) {
  const label = `asked for in ${parent ? sessionTitle(parent) : "another conversation"}`;
  return (
    <CornerDownRight
      role="img"
      aria-label={label}
      data-testid="child-mark"
      className="size-3.5 shrink-0 text-muted-foreground"
    />
  );
}

function WorkingDot() {
  return (
    <span
      role="img"
      aria-label="answering"
      className="size-1.5 shrink-0 rounded-full bg-primary motion-safe:animate-pulse"
    />
  );
}

interface ItemButtonsProps {
  readonly title: string;
  readonly isSelected: boolean;
  onMode(mode: "rename" | "delete"): void;
}

/** Over the end of the row, for the pointer and the keyboard; without a pointer, on the selected row. */
function ItemButtons({ title, isSelected, onMode }: ItemButtonsProps) {
  const visibility = isSelected ? "pointer-coarse:opacity-100" : "pointer-coarse:hidden";
  return (
    <div
      className={`absolute inset-y-0 right-1 flex items-center rounded-r-lg bg-muted pl-1 opacity-0 focus-within:opacity-100 group-hover:opacity-100 ${visibility}`}
    >
      <IconButton label={`Rename ${title}`} className="size-7" onClick={() => onMode("rename")}>
        <Pencil aria-hidden="true" className="size-3.5" />
      </IconButton>
      <IconButton label={`Delete ${title}`} className="size-7" onClick={() => onMode("delete")}>
        <Trash2 aria-hidden="true" className="size-3.5" />
      </IconButton>
    </div>
  );
}

function RenameForm({
  title,
  onRename,
  onClose,
}: {
  title: string;
  onRename: (title: string) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState(title);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() !== "" && text.trim() !== title) onRename(text.trim());
    onClose();
  };
  return (
    <form onSubmit={submit} className="p-1">
      <input
        aria-label="New title"
        data-testid="rename"
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => closeOnEscape(event, onClose)}
        onBlur={submit}
        ref={selectAll}
        className="w-full rounded-md border bg-background px-2 py-1 text-sm"
      />
    </form>
  );
}

function DeleteQuestion({
  hasTasks,
  onDelete,
  onClose,
}: {
  hasTasks: boolean;
  onDelete: () => void;
  onClose: () => void;
}) {
  return (
    <fieldset
      aria-label={hasTasks ? "Delete this conversation and its tasks?" : "Delete this conversation?"}
      onKeyDown={(event) => closeOnEscape(event, onClose)}
      className="flex min-h-9 items-center gap-1 px-2.5 py-1 text-sm"
    >
      <span className="flex-1">{hasTasks ? "Delete it and its tasks?" : "Delete it?"}</span>
      <button
        type="button"
        ref={focus}
        data-testid="delete-confirm"
        onClick={onDelete}
        className="rounded-md px-2 py-1 font-medium text-destructive text-xs hover:bg-background"
      >
        Delete
      </button>
      <button type="button" onClick={onClose} className="rounded-md px-2 py-1 text-xs hover:bg-background">
        Keep
      </button>
    </fieldset>
  );
}

function closeOnEscape(event: KeyboardEvent, close: () => void): void {
  if (event.key !== "Escape") return;
  event.preventDefault(); // the drawer around it stays open
  event.stopPropagation();
  close();
}

function selectAll(input: HTMLInputElement | null): void {
  input?.select();
}

function focus(element: HTMLElement | null): void {
  element?.focus();
}
