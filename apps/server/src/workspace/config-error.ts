export interface ConfigPlace {
  /** Relative to the workspace. */
  readonly file: string;
  readonly line?: number | undefined;
  readonly key?: string | undefined;
}

/**
 * A workspace that cannot be used as it is. The message is one line for the person who edits the file:
 * `config.user.yaml:12: llm.temperature: Too big: …; <what to do>`. Without secrets.
 */
export class ConfigError extends Error {
  readonly file: string;
  readonly line: number | undefined;
  readonly key: string | undefined;

  constructor(place: ConfigPlace, reason: string) {
    super(formatPlace(place, reason));
    this.name = "ConfigError";
    this.file = place.file;
    this.line = place.line;
    this.key = place.key;
  }
}

/** `file:line: key: reason`, on one line whatever the reason holds. */
export function formatPlace({ file, line, key }: ConfigPlace, reason: string): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return [where, key, reason.replace(/\s+/g, " ").trim()].filter(Boolean).join(": ");
}
