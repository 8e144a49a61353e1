import { ChevronRight } from "lucide-react";

/** What the model thinks while it runs, closed until someone wants to see it. */
export function ReasoningSection({ text }: { text: string }) {
  return (
    <details data-testid="reasoning" className="group text-muted-foreground text-sm">
      <summary className="flex list-none items-center gap-2 rounded-lg px-2.5 py-1.5 hover:bg-muted">
        <ChevronRight aria-hidden="true" className="size-3.5 shrink-0 transition-transform group-open:rotate-90" />
        Thinking
      </summary>
      <p className="whitespace-pre-wrap break-words border-l-2 px-3 py-2">{text}</p>
    </details>
  );
}
