import { ArrowDown } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { usePinnedScroll } from "./use-pinned-scroll.ts";
import { useScrollFocus } from "./use-scroll-focus.ts";

interface ScrollPaneProps {
  readonly label: string;
  /** A new one, such as the id of what the reader has just sent, goes to the end. */
  readonly jump: string | undefined;
  readonly children: ReactNode;
}

/** Stays at the end as its content grows, unless the reader has scrolled up. */
export function ScrollPane({ label, jump, children }: ScrollPaneProps) {
  const pane = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useScrollFocus(pane);
  const [isAway, scrollToEnd] = usePinnedScroll(pane, content, jump);
  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={pane}
        aria-label={label}
        className="h-full overflow-y-auto overscroll-contain outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto flex min-h-full w-full max-w-3xl flex-col gap-8 px-4 py-8 sm:px-6">
          {children}
        </div>
      </section>
      {isAway && (
        <button
          type="button"
          aria-label="Go to the end"
          onClick={scrollToEnd}
          className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full border bg-background p-2 text-muted-foreground shadow-sm hover:text-foreground"
        >
          <ArrowDown aria-hidden="true" className="size-4" />
        </button>
      )}
    </div>
  );
}
