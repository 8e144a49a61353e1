import { runBadInputCommand } from "./bad-input/bad-input-command.ts";
import { runBadWorkspace } from "./bad-workspace/bad-workspace.ts";
import { runBrokenStreams } from "./broken-streams/broken-streams.ts";
import { runTorture } from "./crash-loop/torture.ts";
import type { RunReport, Say } from "./ledger/run-report.ts";
import { runModelFaults } from "./model-faults/model-faults.ts";
import { runPowerCuts } from "./power-cuts/power-cuts.ts";
import { runBusySession } from "./promises/busy-session.ts";
import { runBadCursors } from "./promises/cursors.ts";
import { runIdempotence } from "./promises/idempotence.ts";
import { runReconnects } from "./promises/reconnects.ts";
import { runWalGrowth } from "./promises/wal-growth.ts";
import { runStarts } from "./starts/starts.ts";
import { runToolEffects } from "./tool-effects/tool-effects.ts";

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
  "power-cuts": defineRun({
    about: "the disk as a power cut would leave it, from a trace of every system call (needs strace)",
    promises: "P2 P7",
    small: { cuts: 10, messages: 60 },
    full: { cuts: 100, messages: 400 },
    start: runPowerCuts,
  }),
  starts: defineRun({
    about: "kill -9 while it starts; a second process on its store and port; a lock that was left",
    promises: "P13 P22",
    small: { kills: 6, pairs: 2 },
    full: { kills: 100, pairs: 20 },
    start: runStarts,
  }),
  idempotence: defineRun({
    about: "copies of one message at once on both doors, before and after kill -9, and other content under its id",
    promises: "P4",
    small: { ids: 50, copies: 20, sockets: 8, kills: 3 },
    full: { ids: 1000, copies: 100, sockets: 20, kills: 50 },
    start: runIdempotence,
  }),
  reconnects: defineRun({
    about: "readers that lose their connections under load, and come back with their cursors",
    promises: "P5 P8",
    small: { events: 600, perSecond: 300, subscribers: 8, reconnects: 4 },
    full: { events: 10_000, perSecond: 1000, subscribers: 50, reconnects: 20 },
    start: runReconnects,
  }),
  cursors: defineRun({
    about: "cursors that cannot be resumed: malformed, of another store, past the end, pruned",
    promises: "P6",
    small: { messages: 5, rounds: 1 },
    full: { messages: 20, rounds: 10 },
    start: runBadCursors,
  }),
  "busy-session": defineRun({
    about: "messages during a long turn, and a session that hangs beside others",
    promises: "P19",
    small: { messages: 30, turnMs: 1000, others: 5, questions: 5 },
    full: { messages: 200, turnMs: 5000, others: 20, questions: 20 },
    start: runBusySession,
  }),
  "wal-growth": defineRun({
    about: "the write-ahead log beside a reader that stands still",
    promises: "P14",
    small: { megabytes: 20 },
    full: { megabytes: 200 },
    start: runWalGrowth,
  }),
  "bad-input": defineRun({
    about: "some 300 wrong requests, frames and messages, and random ones, beside a healthy client",
    promises: "P10",
    small: { frames: 5000 },
    full: { frames: 100_000 },
    start: runBadInputCommand,
  }),
  "model-faults": defineRun({
    about: "every fault of a model's provider, L01 to L16",
    promises: "P16",
    small: { times: 1 },
    full: { times: 20 },
    start: runModelFaults,
  }),
  "broken-streams": defineRun({
    about: "answers cut short by kill -9 and by the provider",
    promises: "P17",
    small: { kills: 4, drops: 20 },
    full: { kills: 100, drops: 100 },
    start: runBrokenStreams,
  }),
  "tool-effects": defineRun({
    about: "kill -9 around tool calls that change something: none is made twice, each interrupted one is reported",
    promises: "P18",
    small: { kills: 10 },
    full: { kills: 200 },
    start: runToolEffects,
  }),
  "bad-workspace": defineRun({
    about: "configuration, agent and skill rewritten well and badly every 50 ms while messages flow",
    promises: "P23",
    small: { seconds: 5 },
    full: { seconds: 60 },
    start: runBadWorkspace,
  }),
};
