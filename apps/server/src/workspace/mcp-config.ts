import * as z from "zod";
import { RelativePath } from "./relative-path.ts";
import { Approval } from "./tools-config.ts";

const MAX_SERVERS = 50;
/** Stands in the names of tools between double underscores, so it must not hold any. */
const SERVER_ID = /^(?=.{1,32}$)[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$/;
const ID_REASON = "must be letters and digits, joined by single `-` or `_`, at most 32 characters";

/** A program that speaks MCP on its standard input and output, or the address of a server that does over HTTP. */
export const McpServerConfig = z
  .strictObject({
    command: z.string().min(1).optional(),
    args: z.array(z.string()).default([]),
    env: z.array(z.string().regex(/^[A-Za-z_]\w*$/, "is not the name of a variable")).default([]), // passed on besides PATH, HOME, LANG, TERM
    cwd: RelativePath.default("."),
    url: z.url({ protocol: /^https?$/ }).optional(),
    headers: z.record(z.string().min(1), z.string()).default({}),
    approval: Approval.default("ask"),
    tools: z.record(z.string().min(1), Approval).default({}), // by the server's own names
    trust_read_only: z.boolean().default(false), // what the server says of its tools
    timeout_seconds: z.number().positive().max(3600).default(60), // of one call
    agents: z.array(z.string().min(1)).optional(), // absent: all of them
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), "needs either `command` or `url`");
export type McpServerConfig = z.output<typeof McpServerConfig>;

/** Servers whose tools the agents may call, by the id that their tools carry. */
export const McpConfig = z.strictObject({
  servers: z
    .record(z.string(), McpServerConfig)
    .superRefine((servers, context) => {
      const ids = Object.keys(servers);
      if (ids.length > MAX_SERVERS) context.addIssue(`there are more than ${MAX_SERVERS}`);
      for (const id of ids.filter((name) => !SERVER_ID.test(name))) {
        context.addIssue({ code: "custom", message: ID_REASON, path: [id] });
      }
    })
    .default({}),
});
export type McpConfig = z.output<typeof McpConfig>;
