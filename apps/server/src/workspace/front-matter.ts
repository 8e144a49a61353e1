import { parseYamlMapping, YamlError, type YamlMapping } from "./yaml-mapping.ts";

const MAX_FRONT_MATTER_CHARS = 16 * 1024;

export interface FrontMatter extends YamlMapping {
  /** What follows the closing `---`, trimmed. */
  readonly body: string;
}

/** Splits `---`, YAML, `---`, body. Throws YamlError, with lines of the whole text. */
export function parseFrontMatter(text: string): FrontMatter {
  const lines = text.split(/\r?\n/);
  if (lines[0]?.trimEnd() !== "---") throw new YamlError("has no front matter: the first line must be `---`");
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---");
  if (end < 0) throw new YamlError("its front matter is not closed by a second `---` line");
  const yaml = lines.slice(1, end).join("\n");
  if (yaml.length > MAX_FRONT_MATTER_CHARS) throw new YamlError("its front matter is too long");
  const { value, lineOf } = parseYamlMapping(yaml, 2);
  return {
    value,
    lineOf,
    body: lines
      .slice(end + 1)
      .join("\n")
      .trim(),
  };
}
