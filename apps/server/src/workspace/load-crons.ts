import { parseSource } from "@my-bot/protocol";
import * as z from "zod";
import type { AgentDefinition, CronDefinition } from "./agent-definition.ts";
import type { Config } from "./config.ts";
import { parseSchedule } from "./cron-schedule.ts";
import { definitionName, parseFields } from "./definition-fields.ts";
import { type FrontMatter, parseFrontMatter } from "./front-matter.ts";
import { DefinitionError, type Loaded, loadDefinitions, parseInside } from "./load-definitions.ts";
import { isTimeZone } from "./time-zone.ts";

const MAX_BYTES = 64 * 1024;

const CronFields = z.object({
  name: definitionName,
  schedule: z.string().trim().min(1).max(100),
  time_zone: z.string().refine(isTimeZone, "is not a time zone such as Europe/Berlin").optional(),
  agent: z.string().min(1).optional(),
  source: z.string().refine(isClient, "must be platform-ws: or platform-cli: and a client's name").optional(),
  enabled: z.boolean().default(true),
});

/** Every `<crons_path>/<id>/CRON.md` (SPEC CRON1). */
export function loadCrons(
  workspaceDir: string,
  config: Config,
  agents: ReadonlyMap<string, AgentDefinition>,
): Promise<Loaded<CronDefinition>> {
  return loadDefinitions(workspaceDir, config.crons_path, async (cronId) => {
    const file = `${config.crons_path}/${cronId}/CRON.md`;
    const matter = await parseInside(workspaceDir, file, parseFrontMatter);
    const { name, schedule, agent, source, ...fields } = parseFields(CronFields, matter, file);
    const fault = (key: string, reason: string) =>
      new DefinitionError({ file, line: matter.lineOf([key]), key }, reason);
    requireSchedule(schedule, fault);
    if (agent !== undefined && !agents.has(agent)) throw fault("agent", `there is no agent "${agent}"`);
    requireContent(matter, file);
    const { time_zone: timeZone, enabled: isEnabled } = fields;
    return { cronId, name, schedule, timeZone, agentId: agent, source, isEnabled, content: matter.body };
  });
}

type MakeFault = (key: string, reason: string) => DefinitionError;

function requireSchedule(schedule: string, fault: MakeFault): void {
  try {
    parseSchedule(schedule, undefined);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CronPattern: /, "") : "is not a cron expression";
    throw fault("schedule", reason);
  }
}

function requireContent({ body }: FrontMatter, file: string): void {
  if (body.trim() === "") throw new DefinitionError({ file }, "has no text: it is the message that is sent");
  if (Buffer.byteLength(body) > MAX_BYTES) {
    throw new DefinitionError({ file }, `its text is longer than ${MAX_BYTES} bytes`);
  }
}

function isClient(source: string): boolean {
  const kind = parseSource(source)?.kind;
  return kind === "platform-ws" || kind === "platform-cli";
}
