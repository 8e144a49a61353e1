import { type Connection, useConnection } from "../bot/use-connection.ts";

const DOT: Record<Connection, string> = {
  connecting: "bg-muted-foreground motion-safe:animate-pulse",
  live: "bg-primary",
  reconnecting: "bg-destructive motion-safe:animate-pulse",
};

export function ConnectionPill() {
  const connection = useConnection();
  return (
    <span
      role="status"
      aria-label="Connection"
      data-testid="connection"
      data-state={connection}
      className="inline-flex shrink-0 items-center gap-1.5 rounded-full border px-2.5 py-1 text-muted-foreground text-xs"
    >
      <span aria-hidden="true" className={`size-1.5 rounded-full ${DOT[connection]}`} />
      {connection}
    </span>
  );
}
