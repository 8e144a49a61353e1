import { type ReactNode, useEffect, useRef } from "react";

/** The side list on narrow screens: a modal dialog, so focus and Escape are the browser's work. */
export function Drawer({ isOpen, onClose, children }: { isOpen: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-label="Conversations"
      onClose={onClose}
      className="m-0 h-dvh max-h-none w-full max-w-none bg-transparent text-foreground backdrop:bg-black/40 open:flex"
    >
      {isOpen && (
        <>
          <div className="w-72 max-w-[85vw] border-r bg-sidebar">{children}</div>
          <button type="button" aria-label="Close the list" onClick={onClose} className="flex-1" />
        </>
      )}
    </dialog>
  );
}
