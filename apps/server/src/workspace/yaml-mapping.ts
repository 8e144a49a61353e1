import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

const MAX_DEPTH = 50;
const MAX_BRACKETS = 2000;
const MAX_INDENT = 200;

/** A text that is not one plain YAML mapping. The message quotes nothing of the text: it may hold secrets. */
export class YamlError extends Error {
  readonly line: number | undefined;
  readonly key: string | undefined;

  constructor(message: string, place: { line?: number | undefined; key?: string | undefined } = {}) {
    super(message);
    this.name = "YamlError";
    this.line = place.line;
    this.key = place.key;
  }
}

export interface YamlMapping {
  readonly value: Readonly<Record<string, unknown>>;
  /** Line of a key's own name; of its nearest parent that exists, else undefined. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const reasons: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "tabs cannot indent YAML; use spaces",
  MULTIPLE_DOCS: "holds more than one document; remove the `---` line",
  MISSING_CHAR: "a quote or bracket is not closed",
  BAD_INDENT: "wrong indentation",
  MULTILINE_IMPLICIT_KEY: "a line is neither `key: value` nor part of one; check its colon and indentation",
  BLOCK_AS_IMPLICIT_KEY: "a value holds `: `; put it in quotes",
  BAD_SCALAR_START: "a value starts with a reserved character; put it in quotes",
  BAD_ALIAS: "anchors and aliases (`&`, `*`) are not supported here",
  TAG_RESOLVE_FAILED: "tags (`!name`) are not supported here",
};

/** Parses one mapping of plain values. `firstLine` is the line of the file that the text begins at. Throws YamlError. */
export function parseYamlMapping(text: string, firstLine = 1): YamlMapping {
  checkShape(text, firstLine);
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line + firstLine - 1;
  // uniqueKeys compares every pair of keys, which takes seconds on a hostile file: `visit` looks them up instead
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw new YamlError(reasons[fault.code] ?? "is not valid YAML", { line: lineAt(fault.pos[0]) });
  if (!isMap(document.contents)) throw new YamlError("must be a mapping of `key: value` lines", { line: firstLine });

  const keyLines = new Map<string, number>();
  visit(document.contents, [], (path, node) => keyLines.set(joinPath(path), lineAt(node.range?.[0] ?? 0)), lineAt);
  return {
    value: document.toJS(),
    lineOf: (path) => {
      for (let end = path.length; end > 0; end--) {
        const line = keyLines.get(joinPath(path.slice(0, end)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

function joinPath(path: readonly PropertyKey[]): string {
  return path.map(String).join("\n");
}

/**
 * The parser recurses, and a stack overflow in it can end the process: bounds the depth before it sees the text.
 * Counts brackets wherever they stand, also in quotes and comments, since a scanner could be misled about those.
 */
function checkShape(text: string, firstLine: number): void {
  let depth = 0;
  let bracketCount = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const brackets = line.match(/[[\]{}]/g) ?? [];
    for (const bracket of brackets) {
      depth = Math.max(0, depth + ("[{".includes(bracket) ? 1 : -1));
      if (depth > MAX_DEPTH) throw tooDeep(firstLine + index);
    }
    bracketCount += brackets.length;
    // each level of block nesting takes a column before the first word
    const indent = line.match(/^[\s\-?:]*/)?.[0] ?? "";
    if (indent.length > MAX_INDENT || bracketCount > MAX_BRACKETS) throw tooDeep(firstLine + index);
  }
}

function tooDeep(line: number, key?: string): YamlError {
  return new YamlError(`is nested too deeply (more than ${MAX_DEPTH} levels)`, { line, key });
}

type Found = (path: readonly PropertyKey[], key: Node) => void;

function visit(node: unknown, path: readonly PropertyKey[], found: Found, lineAt: (offset: number) => number): void {
  const place = { line: lineAt(offsetOf(node)), key: path.map(String).join(".") || undefined };
  if (path.length > MAX_DEPTH) throw tooDeep(place.line, place.key);
  if (isAlias(node)) throw new YamlError("anchors and aliases (`&`, `*`) are not supported here", place);
  if (isSeq(node)) for (const [index, item] of node.items.entries()) visit(item, [...path, index], found, lineAt);
  if (!isMap(node)) return;

  const names = new Set<string>();
  for (const { key, value } of node.items) {
    const line = lineAt(offsetOf(key));
    if (!isScalar(key)) throw new YamlError("a key must be plain text", { ...place, line });
    const name = String(key.value);
    const keyPath = [...path, name];
    if (name === "__proto__") throw new YamlError("is not a known key; remove it", { line, key: keyPath.join(".") });
    if (names.has(name)) throw new YamlError("is there twice; keep one", { line, key: keyPath.join(".") });
    names.add(name);
    found(keyPath, key);
    visit(value, keyPath, found, lineAt);
  }
}

function offsetOf(node: unknown): number {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}
