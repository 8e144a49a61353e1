import type { Approval, ToolPermission, ToolsConfig } from "../../workspace/tools-config.ts";
import { approvalOfCommand } from "./command-rules.ts";
import { approvalOfPath, approvalOfText } from "./subject-rules.ts";
import type { Tool } from "./tool.ts";

type Asked = Pick<Tool, "name" | "approval" | "approvalFor" | "alwaysAsks">;

/** The argument that the rules of a tool look at. */
const SUBJECTS = new Map([
  ["bash", "command"],
  ["read", "path"],
  ["write", "path"],
  ["edit", "path"],
  ["skill", "skill_name"],
  ["websearch", "query"],
  ["webread", "url"],
  ["subagent_dispatch", "agent_id"],
  ["post_message", "source"],
]);

/** Whether the model gets a tool at all: not one that is always denied (SPEC APR7). */
export function isOffered(tool: Asked, config: ToolsConfig | undefined): boolean {
  const permission = permissionOf(tool.name, config);
  return permission?.approval !== "deny" || permission.rules.some(({ approval }) => approval !== "deny");
}

/** What the configuration says of a call with these arguments, else what the tool says of itself (SPEC APR7, APR8). */
export function approvalOf(tool: Asked, input: Record<string, unknown>, config: ToolsConfig | undefined): Approval {
  const approval = configuredApproval(tool, input, config);
  return approval === "allow" && tool.alwaysAsks?.(input) ? "ask" : approval;
}

function configuredApproval(tool: Asked, input: Record<string, unknown>, config: ToolsConfig | undefined): Approval {
  const permission = permissionOf(tool.name, config);
  const { approval = tool.approval } = permission ?? {};
  // the default, written out, changes nothing
  const otherwise = approval === tool.approval ? (tool.approvalFor?.(input) ?? approval) : approval;
  const subject = subjectOf(tool.name, input);
  if (permission === undefined || subject === undefined) return otherwise;
  switch (SUBJECTS.get(tool.name)) {
    case "command":
      return approvalOfCommand(permission.rules, subject, otherwise);
    case "path":
      return approvalOfPath(permission.rules, subject, otherwise);
    default:
      return approvalOfText(permission.rules, subject, otherwise);
  }
}

/** The text in a call that tells it from others of its tool: the command, the path, the address. */
export function subjectOf(name: string, input: object): string | undefined {
  const key = SUBJECTS.get(name);
  const value: unknown = key !== undefined && Object.hasOwn(input, key) ? Reflect.get(input, key) : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The configuration's section of a tool; undefined for one that is not built in. */
function permissionOf(name: string, config: ToolsConfig | undefined): ToolPermission | undefined {
  const sections: Readonly<Record<string, ToolPermission>> = config ?? {};
  return Object.hasOwn(sections, name) ? sections[name] : undefined;
}
