import { X } from "lucide-react";
import { IconButton } from "./icon-button.tsx";

/** What the server refused, until it is read. */
export function ProblemNote({ text, onDismiss }: { text: string; onDismiss: () => void }) {
  return (
    <div
      role="alert"
      className="fixed bottom-4 left-4 z-10 flex max-w-sm items-center gap-2 rounded-xl border border-destructive/40 bg-background py-2 pr-2 pl-3.5 text-destructive text-sm shadow-md"
    >
      <span className="min-w-0 break-words">{text}</span>
      <IconButton label="Dismiss" className="size-7" onClick={onDismiss}>
        <X aria-hidden="true" className="size-3.5" />
      </IconButton>
    </div>
  );
}
