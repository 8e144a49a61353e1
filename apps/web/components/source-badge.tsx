import { WEB_SOURCE } from "../bot/config.ts";

/** `platform-ws:cli` → `cli`; null for what this page itself sends. */
export function foreignSource(source: string): string | null {
  return source === `platform-ws:${WEB_SOURCE}` ? null : source.replace(/^platform-ws:/, "");
}

export function SourceBadge({ source }: { source: string }) {
  const name = foreignSource(source);
  if (name === null) return null;
  return (
    <span
      title={source}
      className="inline-block max-w-32 shrink-0 truncate rounded border px-1.5 py-px font-mono text-[11px] text-muted-foreground"
    >
      {name}
    </span>
  );
}
