// Puts what the published package carries beside its code in place before it is packed, and away after.
import { cpSync, existsSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const server = join(dirname(fileURLToPath(import.meta.url)), "..");
const assets = [
  { from: join(server, "../web/out"), to: join(server, "web") },
  { from: join(server, "../../default_workspace"), to: join(server, "template") },
];
/** A developer's own configuration, log and memories stay here. */
const isShared = (path) =>
  !basename(path).startsWith(".") &&
  !/^config\.(user|runtime)\.yaml/.test(basename(path)) &&
  (basename(dirname(path)) !== "memories" || basename(path) === "README.md");

for (const { from, to } of assets) {
  rmSync(to, { recursive: true, force: true });
  if (process.argv.includes("--remove")) continue;
  if (!existsSync(from)) throw new Error(`${from} is missing; run "npm run build" first`);
  cpSync(from, to, { recursive: true, filter: isShared });
}
