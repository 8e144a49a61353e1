import { examineStore } from "../bus/examine-store.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const REMEDY = "stop the server, move it and its -wal file away, and restore a backup in its place";

export function checkStore(dir: string): Finding {
  const report = examineStore(dir);
  if (report === undefined) return ok("store", "none yet; the first start of my-bot server makes it");
  const { file, bytes, isInUse, counts, damage } = report;
  if (damage) return problem("store", `${file} is damaged: ${damage}; ${REMEDY}`);
  if (!counts)
    return warning("store", `${file} is of another version of my-bot; the next start of a newer one updates it`);
  const { events, sessions, openRuns } = counts;
  const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  const use = isInUse ? "in use by a server" : "not in use";
  return ok("store", `${events} events, ${sessions} sessions, ${openRuns} open runs, ${size}; intact, ${use}`);
}
