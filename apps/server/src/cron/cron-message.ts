import { formatSource, type InboundEvent } from "@my-bot/protocol";
import { v7 as timedUuid } from "uuid";
import { newSession, sessionEvent } from "../agent/new-session.ts";
import type { EventBus } from "../bus/event-bus.ts";
import type { SessionStore } from "../session/session-store.ts";
import type { CronDefinition } from "../workspace/agent-definition.ts";
import type { Workspace } from "../workspace/open-workspace.ts";

export interface CronMessageDeps {
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  /** One line for whoever runs the server. */
  readonly report: (line: string, level: "warn") => void;
  readonly onError: (error: unknown) => void;
}

/** The newest time for which a cron has published, or at which it was first seen, as the keys of the log tell. */
export function lastSeen({ bus }: CronMessageDeps, cron: CronDefinition): Date | undefined {
  const key = bus.lastKey(keyPrefix(cron));
  return key === undefined ? undefined : new Date(key.slice(keyPrefix(cron).length));
}

/** From `time` on the cron counts: what comes due after it is caught up with, also when the server was down then. */
export async function rememberSeen({ bus }: CronMessageDeps, cron: CronDefinition, time: Date): Promise<void> {
  await bus.publish([], { sessionSource: sourceOf(cron), key: keyOf(cron, time) });
}

/** The key makes a second message for the same time impossible (SPEC CRON2). */
export async function publishCronMessage(
  { bus, sessions, report }: CronMessageDeps,
  { config }: Workspace,
  { cron, due }: { readonly cron: CronDefinition; readonly due: Date },
): Promise<void> {
  const source = sourceOf(cron);
  const target = cron.source ?? source;
  const existing = sessions.resolve(target);
  const owner = existing ?? newSession(config, target, cron.agentId);
  if (owner.open_runs >= config.api.limits.queued_messages) {
    report(`${config.crons_path}/${cron.cronId}: left out at ${due.toISOString()}: too many messages wait`, "warn");
    return;
  }
  const key = keyOf(cron, due);
  const inbound: InboundEvent = {
    type: "InboundEvent",
    session_id: owner.session_id,
    source,
    content: cron.content,
    timestamp: Date.now() / 1000,
    retry_count: 0,
    run_id: timedUuid(),
    message_id: key,
    agent_id: cron.agentId ?? owner.agent_id,
  };
  const created = existing ? [] : [sessionEvent(owner, { action: "created", title: cron.source ? null : cron.name })];
  await bus.publish([...created, inbound], { sessionSource: owner.source, key });
}

function sourceOf({ cronId }: CronDefinition): string {
  return formatSource({ kind: "cron", id: cronId });
}

/** Ids hold no colon, and the times stand in the order of their texts. */
function keyPrefix(cron: CronDefinition): string {
  return `${sourceOf(cron)}:`;
}

function keyOf(cron: CronDefinition, time: Date): string {
  return `${keyPrefix(cron)}${time.toISOString()}`;
}
