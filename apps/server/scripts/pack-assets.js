// Puts what the package needs beside its code, `add` before packing and `remove` after: the web app and the workspace template.
import { cpSync, existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const packageDir = join(import.meta.dirname, "..");
const assets = [
  { from: join(packageDir, "../web/out"), to: join(packageDir, "web") },
  { from: join(packageDir, "../../default_workspace"), to: join(packageDir, "template") },
];

for (const { to } of assets) rmSync(to, { recursive: true, force: true });
if (process.argv[2] === "add") {
  for (const { from, to } of assets) {
    if (!existsSync(from)) throw new Error(`${from} is missing; run this first at the root: npm run build`);
    cpSync(from, to, { recursive: true, filter: (path) => path === from || isPublic(basename(path)) });
  }
}

/** A developer's own configuration, keys and data stay at home. */
function isPublic(name) {
  return !name.startsWith(".") && name !== "config.user.yaml" && name !== "config.runtime.yaml";
}
