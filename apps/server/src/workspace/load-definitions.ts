import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatPlace } from "./config-error.ts";
import { isErrorCode } from "./config-file.ts";
import { FileRefusedError, openInside } from "./open-inside.ts";
import { readText } from "./read-text.ts";
import { YamlError } from "./yaml-mapping.ts";

/** What is wrong with one item; the item is skipped and the others load. */
export class DefinitionError extends Error {
  readonly file: string;
  readonly line: number | undefined;
  readonly key: string | undefined;

  constructor(place: { file: string; line?: number | undefined; key?: string | undefined }, reason: string) {
    super(reason);
    this.name = "DefinitionError";
    this.file = place.file;
    this.line = place.line;
    this.key = place.key;
  }
}

export interface Loaded<Item> {
  /** By id, in the order of the ids. */
  readonly items: ReadonlyMap<string, Item>;
  /** One line for each item that was skipped. */
  readonly warnings: readonly string[];
}

const ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
const FILES_AT_ONCE = 32;

/** The warning that tells why the item in `folder` was skipped, if it was. */
export function findSkipped(warnings: readonly string[], folder: string): string | undefined {
  return warnings.find((warning) => warning.startsWith(`${folder}/`) || warning.startsWith(`${folder}: skipped`));
}

/** Loads every `<folder>/<id>/` with `load`; faults of one item are warnings and do not touch the others. */
export async function loadDefinitions<Item extends { readonly name: string }>(
  workspaceDir: string,
  folder: string,
  load: (id: string) => Promise<Item>,
): Promise<Loaded<Item>> {
  const entries = await readdir(join(workspaceDir, folder), { withFileTypes: true }).catch((cause: unknown) => {
    if (isErrorCode(cause, "ENOENT") || isErrorCode(cause, "ENOTDIR")) return [];
    throw cause;
  });
  const ids = entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
  const items = new Map<string, Item>();
  const warnings: string[] = [];
  const taken = new Set<string>();
  for (let start = 0; start < ids.length; start += FILES_AT_ONCE) {
    const batch = ids.slice(start, start + FILES_AT_ONCE);
    const results = await Promise.all(batch.map((id) => loadOne(`${folder}/${id}`, id, load)));
    for (const [index, result] of results.entries()) {
      const id = batch[index] ?? "";
      if ("warning" in result) {
        warnings.push(result.warning);
        continue;
      }
      const names = [id.toLowerCase(), result.item.name.toLowerCase()];
      if (names.some((name) => taken.has(name))) {
        warnings.push(formatPlace({ file: `${folder}/${id}` }, "skipped: its name or id is used twice"));
      } else {
        items.set(id, result.item);
        for (const name of names) taken.add(name);
      }
    }
  }
  return { items, warnings };
}

type LoadResult<Item> = { item: Item } | { warning: string };

async function loadOne<Item>(file: string, id: string, load: (id: string) => Promise<Item>): Promise<LoadResult<Item>> {
  if (!ID_PATTERN.test(id)) {
    const reason = "skipped: the folder's name must be letters, digits, `-` and `_`, at most 64";
    return { warning: formatPlace({ file: file.slice(0, 100) }, reason) };
  }
  try {
    return { item: await load(id) };
  } catch (cause) {
    if (cause instanceof DefinitionError) return { warning: formatPlace(cause, `skipped: ${cause.message}`) };
    throw cause;
  }
}

/** Reads `file`, relative to the workspace, and hands its text to `parse`. Throws DefinitionError for every fault. */
export async function parseInside<T>(workspaceDir: string, file: string, parse: (text: string) => T): Promise<T> {
  try {
    await using opened = await openInside(workspaceDir, file);
    return parse(await readText(opened.handle));
  } catch (cause) {
    if (cause instanceof YamlError)
      throw new DefinitionError({ file, line: cause.line, key: cause.key }, cause.message);
    if (cause instanceof FileRefusedError) throw new DefinitionError({ file }, cause.message);
    if (isErrorCode(cause, "ENOENT") || isErrorCode(cause, "ENOTDIR")) throw new DefinitionError({ file }, "not found");
    if (isErrorCode(cause, "ELOOP")) throw new DefinitionError({ file }, "is a loop of symbolic links");
    if (isErrorCode(cause, "EACCES")) throw new DefinitionError({ file }, "cannot be read; check its permissions");
    throw cause;
  }
}
