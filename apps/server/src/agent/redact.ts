/** Stands where a secret stood. `write` and `edit` refuse to put it into a file (SPEC TOOL13). */
export const HIDDEN = "[secret hidden]";

const MIN_CHARS = 8; // what is shorter stands in harmless texts too

/** A text that comes in pieces: what may be the beginning of a secret waits for the next one. */
export interface RedactedStream {
  /** What can be shown by now. */
  add(piece: string): string;
  /** The rest. */
  end(): string;
}

/**
 * Takes known secrets out of whatever is written down or sent: exact values only (SPEC TOOL13). One of an earlier
 * configuration stays known until the server ends: whoever has seen it may still repeat it.
 */
export class Redactor {
  #secrets: readonly string[] = []; // the longest first
  #pattern: RegExp | undefined;

  add(values: Iterable<string>): void {
    const known = new Set(this.#secrets);
    for (const value of [...values].map((text) => text.trim())) {
      if (value.length < MIN_CHARS) continue;
      known.add(value).add(JSON.stringify(value).slice(1, -1)); // as it stands in JSON
    }
    this.#secrets = [...known].sort((a, b) => b.length - a.length);
    this.#pattern = known.size === 0 ? undefined : new RegExp(this.#secrets.map(escapePattern).join("|"), "g");
  }

  redact(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, HIDDEN);
  }

  stream(): RedactedStream {
    let held = "";
    return {
      add: (piece) => {
        const text = held + piece;
        const end = this.#safeEnd(text);
        held = text.slice(end);
        return this.redact(text.slice(0, end));
      },
      end: () => {
        const rest = this.redact(held);
        held = "";
        return rest;
      },
    };
  }

  /** How much of a text can be shown whatever comes behind it: no secret begins there and goes on, none is cut in two. */
  #safeEnd(text: string): number {
    const longest = this.#secrets[0]?.length ?? 0;
    let end = Math.max(0, text.length - longest + 1);
    while (end < text.length && !this.#mayBegin(text.slice(end))) end += 1;
    for (const { index, 0: secret } of text.matchAll(this.#pattern ?? /$^/g)) {
      if (index < end && index + secret.length > end) return index;
    }
    return end;
  }

  #mayBegin(rest: string): boolean {
    return this.#secrets.some((secret) => secret.length > rest.length && secret.startsWith(rest));
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
