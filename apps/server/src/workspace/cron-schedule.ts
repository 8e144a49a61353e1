import { Cron } from "croner";

/** When something is due. */
export interface CronSchedule {
  /** The first time after `time`; undefined when there is none. */
  next(time: Date): Date | undefined;
  /** The newest time that is not after `time`; undefined when there is none. */
  last(time: Date): Date | undefined;
}

/**
 * Five fields from minutes to weekdays, six with seconds before them, or a word such as `@daily`; in `timeZone`, else the
 * server's. Throws an Error that says what is wrong.
 */
export function parseSchedule(schedule: string, timeZone: string | undefined): CronSchedule {
  const cron = new Cron(schedule, { paused: true, ...(timeZone !== undefined && { timezone: timeZone }) });
  return {
    next: (time) => cron.nextRun(time) ?? undefined,
    last: (time) => cron.previousRuns(1, new Date(time.getTime() + 1))[0],
  };
}
