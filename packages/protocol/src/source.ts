import * as z from "zod";

/** Where work comes from. `platform-ws` covers every network door, `platform-cli` the terminal in the server's own process. */
export const SourceKind = z.enum(["platform-ws", "platform-cli", "agent", "cron"]);
export type SourceKind = z.infer<typeof SourceKind>;

export interface Source {
  readonly kind: SourceKind;
  /** May itself hold colons and dots. */
  readonly id: string;
}

/** `{ kind: "platform-ws", id: "a.b:c" }` → `"platform-ws:a.b:c"` (SPEC EV3). */
export function formatSource(source: Source): string {
  return `${source.kind}:${source.id}`;
}

/** Splits at the first colon; `undefined` when the kind is unknown or the id is empty (SPEC EV3). */
export function parseSource(text: string): Source | undefined {
  const colon = text.indexOf(":");
  const kind = SourceKind.safeParse(text.slice(0, colon));
  const id = text.slice(colon + 1);
  return colon > 0 && kind.success && id !== "" ? { kind: kind.data, id } : undefined;
}
