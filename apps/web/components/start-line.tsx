import type { Timeline } from "../bot/timeline.ts";

/** Between what the agent no longer sees word for word, and what it does. */
export function StartLine({ action }: { action: NonNullable<Timeline["start"]>["action"] }) {
  return (
    <p
      data-testid="start-line"
      className="flex items-center gap-3 text-muted-foreground text-xs before:h-px before:flex-1 before:bg-border after:h-px after:flex-1 after:bg-border"
    >
      {action === "cleared"
        ? "Cleared: the agent sees what comes after this"
        : "The agent has a summary of what comes before this"}
    </p>
  );
}
