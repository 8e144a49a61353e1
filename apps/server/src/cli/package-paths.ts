import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What the package carries beside its code; in a checkout the same things stand elsewhere. */
function firstExisting(...candidates: readonly string[]): string | undefined {
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
}

/** The exported web app; undefined when it has not been built. */
export function webDir(): string | undefined {
  return firstExisting("../../web/index.html", "../../../web/out/index.html")?.replace(/index\.html$/, "");
}

/** The template that a new workspace is copied from. */
export function templateDir(): string | undefined {
  return firstExisting("../../template", "../../../../default_workspace");
}
