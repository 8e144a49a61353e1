import { isMapping, type Mapping } from "./merge.ts";

type Path = readonly PropertyKey[];

/**
 * Replaces `${NAME}` in every string value and leaves out keys without a value; `used` gets the values. Throws what
 * `fault` makes for a variable that is not set.
 */
export function expandVariables(
  root: Mapping,
  env: Readonly<Record<string, string | undefined>>,
  { fault, used }: { readonly fault: (path: Path, reason: string) => Error; readonly used: string[] },
): unknown {
  const expand = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index]));
    if (isMapping(value)) {
      const entries = Object.entries(value).filter(([, item]) => item !== null);
      return Object.fromEntries(entries.map(([key, item]) => [key, expand(item, [...path, key])]));
    }
    if (typeof value !== "string") return value;
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const replacement = env[name];
      if (replacement) {
        used.push(replacement);
        return replacement;
      }
      throw fault(path, `the environment variable ${name} is not set; set it, or write the value here`);
    });
  };
  return expand(root, []);
}
