import type { LoggedEvent } from "../ledger/ledger.ts";
import type { Random } from "../ledger/random.ts";
import type { Say } from "../ledger/run-report.ts";
import { CUT_VARIANTS, type DiskImage, DiskModel } from "./disk-model.ts";
import type { StartedImage } from "./image-starter.ts";
import { type CutVerdict, judgeCut } from "./judge-cut.ts";
import { findShownEvents, type ShownEvent } from "./shown-events.ts";
import type { TraceStep } from "./trace-steps.ts";

/** One process: what it did, and what was really on the disk when it was gone. */
export interface TracedProcess {
  readonly steps: readonly TraceStep[];
  readonly disk: DiskImage;
}

export interface CutLifeOptions {
  /** The folder whose files are cut. */
  readonly root: string;
  /** Its files at the beginning, all of them durable. */
  readonly before: DiskImage;
  /** What was shown to clients before that. */
  readonly shownBefore: readonly LoggedEvent[];
  readonly processes: readonly TracedProcess[];
  readonly cuts: number;
  readonly random: Random;
  readonly start: (image: DiskImage) => Promise<StartedImage>;
  readonly say: Say;
}

export interface CutLifeResult {
  readonly verdict: CutVerdict & { readonly failedStarts: number; readonly ackedBeforeSync: number };
  readonly facts: Readonly<Record<"cuts" | "images" | "acks" | "shown" | "syncs" | "unsynced", number>>;
  /** What one of the cuts left, and what was shown before it: where another life may begin. Undefined: nowhere. */
  readonly next: CutDisk | undefined;
}

interface CutDisk {
  readonly image: DiskImage;
  readonly shown: readonly LoggedEvent[];
}

const STARTS_AT_ONCE = 2;
const TRIES = 10; // to find an instant that is not chosen yet

/** Cuts the power at many instants of a traced life, and looks at what a server makes of what is left. */
export async function cutLife(options: CutLifeOptions): Promise<CutLifeResult> {
  const cutter = new LifeCutter(options);
  await cutter.run();
  return cutter.result;
}

class LifeCutter {
  readonly #options: CutLifeOptions;
  readonly #steps: readonly TraceStep[];
  readonly #shown: readonly ShownEvent[];
  readonly #model: DiskModel;
  readonly #counts = { lostAcked: 0, doubled: 0, ghosts: 0, idReused: 0, failedStarts: 0, ackedBeforeSync: 0 };
  readonly #acked = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #images = 0;
  #unsynced = 0;
  #next: CutDisk | undefined;

  constructor(options: CutLifeOptions) {
    this.#options = options;
    this.#steps = options.processes.flatMap(({ steps }) => steps);
    this.#shown = findShownEvents(this.#steps);
    this.#model = new DiskModel(options.root, options.before);
  }

  get result(): CutLifeResult {
    const syncs = this.#steps.filter(isSyncEnd).length;
    const facts = {
      cuts: this.#images / CUT_VARIANTS.length,
      images: this.#images,
      acks: this.#acked.size,
      shown: this.#shown.length,
      syncs,
      unsynced: this.#unsynced,
    };
    return { verdict: this.#counts, facts, next: this.#next };
  }

  async run(): Promise<void> {
    const { processes, random } = this.#options;
    const instants = this.#chooseInstants();
    const last = [...instants].sort((a, b) => a - b).slice(-Math.ceil(instants.size / 3));
    const nextInstant = last[random.int(0, last.length - 1)];
    const shownAt = Map.groupBy(this.#shown, ({ step }) => step);
    let index = 0;
    for (const { steps, disk } of processes) {
      for (const step of steps) {
        this.#model.take(step);
        for (const { event } of shownAt.get(index) ?? []) this.#checkAck(event);
        if (instants.has(index)) await this.#cut(index, index === nextInstant);
        index += 1;
      }
      this.#compare(steps, disk);
    }
    await Promise.all(this.#running);
  }

  /** At random, right after an acknowledgement, right before a sync has ended, and right after it. */
  #chooseInstants(): Set<number> {
    const { cuts, random } = this.#options;
    const acks = this.#shown.filter(({ event }) => event.type === "InboundEvent").map(({ step }) => step);
    const syncs = [...this.#steps.entries()].filter(([, step]) => isSyncEnd(step)).map(([index]) => index);
    const kinds = [[...this.#steps.keys()], acks, syncs.map((index) => index - 1), syncs];
    const chosen = new Set<number>();
    for (let tries = 0; chosen.size < cuts && tries < TRIES * cuts; tries += 1) {
      const places = kinds[tries % kinds.length] ?? [];
      const place = places[random.int(0, places.length - 1)];
      if (place !== undefined) chosen.add(place);
    }
    return chosen;
  }

  #checkAck({ type, messageId = "" }: LoggedEvent): void {
    if (type !== "InboundEvent" || this.#acked.has(messageId)) return;
    this.#acked.add(messageId);
    if (this.#model.isDurable(Buffer.from(JSON.stringify(messageId)))) return;
    this.#counts.ackedBeforeSync += 1;
    this.#options.say(`${messageId} was acknowledged before it was synced`);
  }

  async #cut(index: number, isNext: boolean): Promise<void> {
    const { random, shownBefore } = this.#options;
    const shown = [...shownBefore, ...this.#shown.filter(({ step }) => step <= index).map(({ event }) => event)];
    this.#unsynced += this.#model.pendingChanges;
    for (const variant of CUT_VARIANTS) {
      const image = this.#model.cut(variant, random);
      this.#images += 1;
      if (this.#running.size >= STARTS_AT_ONCE) await Promise.race(this.#running);
      const checking = this.#check({ image, shown }, { name: `cut after step ${index}, ${variant}`, isNext });
      this.#running.add(checking);
      void checking.finally(() => this.#running.delete(checking));
    }
  }

  async #check(disk: CutDisk, { name, isNext }: { name: string; isNext: boolean }): Promise<void> {
    const started = await this.#options.start(disk.image);
    if ("failure" in started) {
      this.#counts.failedStarts += 1;
      this.#options.say(`${name}: the server does not start: ${started.failure}`);
      return;
    }
    if (isNext || !this.#next) this.#next = disk;
    const verdict = judgeCut(disk.shown, started.log);
    for (const key of ["lostAcked", "doubled", "ghosts", "idReused"] as const) this.#counts[key] += verdict[key];
    const broken = Object.entries(verdict).filter(([, count]) => count > 0);
    if (broken.length > 0) this.#options.say(`${name}: ${broken.map(([key, count]) => `${key} ${count}`).join(", ")}`);
  }

  /** A trace that leaves something out would make cuts that cannot happen. */
  #compare(steps: readonly TraceStep[], disk: DiskImage): void {
    const killed = steps.filter(({ call }) => call.result === undefined).map(({ call }) => call);
    const unexplained = this.#model.reconcile(disk, killed);
    if (unexplained.length === 0) return;
    throw new Error(`The trace does not tell how these files came to be as they are: ${unexplained.join(", ")}`);
  }
}

function isSyncEnd({ at, call }: TraceStep): boolean {
  return at === "end" && call.work.kind === "sync";
}
