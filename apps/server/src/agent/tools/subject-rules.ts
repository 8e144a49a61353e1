import { posix } from "node:path";
import type { Approval, ToolRule } from "../../workspace/tools-config.ts";

/** What the rules say of a path in the workspace (SPEC APR8). One that leads out, or hides where it leads, matches no `allow`. */
export function approvalOfPath(rules: readonly ToolRule[], path: string, otherwise: Approval): Approval {
  const normal = posix.normalize(path).replace(/\/+$/, "");
  const isClear = !/^[/~]|\\|\p{Cc}/u.test(path) && !path.split("/").includes("..");
  const rule = rules.find(
    ({ match, approval }) =>
      approval === "allow" ? isClear && isMatch(match, normal) : isMatch(match.toLowerCase(), normal.toLowerCase()), // on some disks case makes no difference
  );
  return rule?.approval ?? otherwise;
}

/** What the rules say of any other argument, such as the address of a page. */
export function approvalOfText(rules: readonly ToolRule[], text: string, otherwise: Approval): Approval {
  return rules.find(({ match }) => isMatch(match, text))?.approval ?? otherwise;
}

/** The same text; what is below it, when it names a folder; or a pattern: `*` within a part, `**` over all of them. */
function isMatch(match: string, text: string): boolean {
  if (match.includes("*")) return toPattern(match).test(text);
  const folder = match.endsWith("/") ? match : `${match}/`;
  return text === match || `${text}/` === folder || text.startsWith(folder);
}

function toPattern(match: string): RegExp {
  const source = match.split(/(\*\*\/?|\*)/).map((part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    return part === "*" ? "[^/?#@\\\\:]*" : part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`, "su");
}
