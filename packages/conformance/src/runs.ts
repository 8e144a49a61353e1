import { runBadInputCommand } from "./bad-input-command.ts";
import type { RunReport, Say } from "./run-report.ts";
import { runTorture } from "./torture.ts";

/** What to test: a command that starts a server, or a server that runs. */
export interface Target {
  /** With `{workspace}` and `{port}`. */
  readonly command: string;
  readonly seed: number;
  /** A workspace to start from. */
  readonly template?: string | undefined;
}

export type Sizes = Readonly<Record<string, number>>;

/** One run of the kit, in two sizes. */
export interface KitRun {
  readonly about: string;
  /** Ids of the promises it tries to break. */
  readonly promises: string;
  readonly small: Sizes;
  readonly full: Sizes;
  start(target: Target, sizes: Sizes, say: Say): Promise<RunReport>;
}

interface RunDefinition<S extends Sizes> {
  readonly about: string;
  readonly promises: string;
  readonly small: S;
  readonly full: S;
  readonly start: (options: Target & S, say: Say) => Promise<RunReport>;
}

function defineRun<S extends Sizes>({ start, ...definition }: RunDefinition<S>): KitRun {
  const { small } = definition;
  return { ...definition, start: (target, sizes, say) => start({ ...target, ...small, ...sizes }, say) };
}

/** Everything the kit can do to a server that it starts itself. */
export const RUNS: Readonly<Record<string, KitRun>> = {
  "crash-loop": defineRun({
    about: "kill -9, SIGTERM, lost connections and a full disk at random instants, then a count of what was broken",
    promises: "P1 P3 P5 P7 P8 P12 P13 P14 P17",
    small: { kills: 12, terms: 4, drops: 6, fulls: 0, messages: 500 },
    full: { kills: 200, terms: 50, drops: 50, fulls: 20, messages: 20_000 },
    start: runTorture,
  }),
  "bad-input": defineRun({
    about: "some 300 wrong requests, frames and messages, and random ones, beside a healthy client",
    promises: "P10",
    small: { frames: 5000 },
    full: { frames: 100_000 },
    start: runBadInputCommand,
  }),
};
