import { createHash } from "node:crypto";
import { createPatch, FILE_HEADERS_ONLY } from "diff";

// comparing more would hold the server up
const MAX_LINES = 10_000;
const MAX_CHANGES = 500;

/** The same for the same texts. `before` undefined: the file is new. Of what is too much it tells sizes and checksums. */
export function unifiedDiff(path: string, before: string | undefined, after: string): string {
  const patch = hasLines(`${before ?? ""}${after}`, MAX_LINES) ? undefined : compare(path, before, after);
  return patch ?? `${path}: too many changes for a diff\n- ${describe(before ?? "")}\n+ ${describe(after)}\n`;
}

function compare(path: string, before: string | undefined, after: string): string | undefined {
  return createPatch(path, before ?? "", after, before === undefined ? "(no such file)" : "", "", {
    ...(before !== undefined && { maxEditLength: MAX_CHANGES }),
    headerOptions: FILE_HEADERS_ONLY,
  });
}

function hasLines(text: string, count: number): boolean {
  let at = -1;
  for (let n = 0; n < count; n++) {
    at = text.indexOf("\n", at + 1);
    if (at === -1) return false;
  }
  return true;
}

function describe(text: string): string {
  return `${Buffer.byteLength(text)} bytes, sha256 ${createHash("sha256").update(text).digest("hex")}`;
}
