import { type MouseEvent, type ReactNode, useEffect, useRef } from "react";

/** The side list on narrow screens: a modal dialog, so focus and Escape are the browser's work. */
export function Drawer({ isOpen, onClose, children }: { isOpen: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const closeOutside = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog
    <dialog
      ref={dialog}
      aria-label="Conversations"
      onClose={onClose}
      onClick={closeOutside}
      className="m-0 h-dvh max-h-none w-72 max-w-[85vw] border-r bg-sidebar text-foreground backdrop:bg-black/40"
    >
      {isOpen && children}
    </dialog>
  );
}
