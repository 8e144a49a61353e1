import type { CronDefinition } from "../workspace/agent-definition.ts";
import { type CronSchedule, parseSchedule } from "../workspace/cron-schedule.ts";
import type { Workspace } from "../workspace/open-workspace.ts";
import type { Clock } from "./clock.ts";
import { type CronMessageDeps, lastSeen, publishCronMessage, rememberSeen } from "./cron-message.ts";

export interface RunCronsDeps extends CronMessageDeps {
  readonly clock: Clock;
  /** The workspace of now, and a signal that aborts when it is no longer. */
  readonly workspace: () => { readonly current: Workspace; readonly replaced: AbortSignal };
}

/** A cron and the time up to which it is done. */
interface Place {
  readonly cron: CronDefinition;
  readonly schedule: CronSchedule;
  done: Date;
}

const RETRY_MS = 1000; // while the log cannot be written
const NEVER = new Date(8.64e15);

/** Publishes the messages of all crons when they are due, until `signal` aborts; never rejects (SPEC CRON2, CRON3). */
export async function runCrons(deps: RunCronsDeps, signal: AbortSignal): Promise<void> {
  let places: Place[] | undefined; // undefined: the server has just started
  while (!signal.aborted) {
    const { current, replaced } = deps.workspace();
    const known = places;
    const changed = AbortSignal.any([signal, replaced]);
    try {
      places = await Promise.all(enabled(current).map((cron) => place(deps, cron, known)));
      while (!changed.aborted) {
        for (const each of places) await publishDue(deps, current, each);
        await deps.clock.waitUntil(nextOf(places, deps.clock.now()), changed);
      }
    } catch (cause) {
      deps.onError(cause); // a full disk, say: what is due stays due
      await deps.clock.waitUntil(new Date(deps.clock.now().getTime() + RETRY_MS), signal);
    }
  }
}

function enabled({ crons }: Workspace): CronDefinition[] {
  return [...crons.values()].filter(({ isEnabled }) => isEnabled);
}

/** After a start a cron goes on from where the log says it was; one that is new, changed or enabled begins now. */
async function place(deps: RunCronsDeps, cron: CronDefinition, known: readonly Place[] | undefined): Promise<Place> {
  const same = known?.find((each) => isSame(each.cron, cron));
  const schedule = parseSchedule(cron.schedule, cron.timeZone);
  const done = same?.done ?? (known ? undefined : lastSeen(deps, cron));
  if (done) return { cron, schedule, done };
  const now = deps.clock.now();
  await rememberSeen(deps, cron, now);
  return { cron, schedule, done: now };
}

function isSame(a: CronDefinition, b: CronDefinition): boolean {
  return a.cronId === b.cronId && a.schedule === b.schedule && a.timeZone === b.timeZone;
}

/** Of several times that were missed, one message for the newest. */
async function publishDue(deps: RunCronsDeps, workspace: Workspace, each: Place): Promise<void> {
  const now = deps.clock.now();
  const next = each.schedule.next(each.done);
  if (next === undefined || next > now) return;
  const due = each.schedule.last(now) ?? next;
  await publishCronMessage(deps, workspace, { cron: each.cron, due });
  each.done = due;
}

function nextOf(places: readonly Place[], now: Date): Date {
  const times = places.map(({ schedule, done }) => schedule.next(done > now ? done : now) ?? NEVER);
  return times.reduce((earliest, time) => (time < earliest ? time : earliest), NEVER);
}
