import type { Approval, ToolPermission, ToolsConfig } from "../../workspace/tools-config.ts";
import type { Tool } from "./tool.ts";

/** What the configuration says of a tool, else what the tool says of itself. */
export function approvalOf({ name, approval }: Pick<Tool, "name" | "approval">, config: ToolsConfig): Approval {
  return permissionOf(name, config)?.approval ?? approval;
}

/** The configuration's section of a tool; undefined for one that is not built in. */
function permissionOf(name: string, config: ToolsConfig): ToolPermission | undefined {
  const sections: Readonly<Record<string, ToolPermission>> = config;
  return Object.hasOwn(config, name) ? sections[name] : undefined;
}
