import * as z from "zod";

/** May the model call a tool: at once, after someone has said so, or never. */
export const Approval = z.enum(["allow", "ask", "deny"]);
export type Approval = z.output<typeof Approval>;

/** Calls that match are treated in another way than the tool's others; the first rule that matches wins (SPEC APR8). */
const Rule = z.strictObject({ match: z.string().min(1).max(1000), approval: Approval });
export type ToolRule = z.output<typeof Rule>;

const permission = {
  approval: Approval.optional(), // absent: what the tool says of itself
  rules: z.array(Rule).max(200).default([]),
};

const Permission = z.strictObject(permission);
export type ToolPermission = z.output<typeof Permission>;

/** The tool that runs commands. */
const Bash = z.strictObject({
  ...permission,
  timeout_seconds: z.number().positive().max(3600).default(120), // the longest; a call may ask for less
  env: z.array(z.string().regex(/^[A-Za-z_]\w*$/, "is not the name of a variable")).default([]), // passed on besides PATH, HOME, LANG, TERM
  max_processes: z.int().positive().max(100_000).default(512), // of one call
  max_memory_mb: z.int().positive().max(1_000_000).default(4096), // address space of each process
});
export type BashConfig = z.output<typeof Bash>;

/** The tool by which agents give tasks to each other. */
const Dispatch = z.strictObject({
  ...permission,
  max_depth: z.int().min(1).max(10).default(3), // an agent that was asked by an agent, and so on
  timeout_seconds: z.number().positive().max(86_400).default(1800), // of one task, with all that it waits for
});
export type DispatchConfig = z.output<typeof Dispatch>;

/** A section for each built-in tool, under the name that the model calls it by. */
export const ToolsConfig = z.strictObject({
  read: Permission.prefault({}),
  write: Permission.prefault({}),
  edit: Permission.prefault({}),
  bash: Bash.prefault({}),
  skill: Permission.prefault({}),
  websearch: Permission.prefault({}),
  webread: Permission.prefault({}),
  subagent_dispatch: Dispatch.prefault({}),
  post_message: Permission.prefault({}),
});
export type ToolsConfig = z.output<typeof ToolsConfig>;
