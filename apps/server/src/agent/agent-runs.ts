import type { AbortInput, InboundEvent } from "@my-bot/protocol";
import PQueue from "p-queue";
import type { Run } from "./agent-loop.ts";
import { RunAborted } from "./run-aborted.ts";
import { newAccount } from "./run-account.ts";
import type { RunControl } from "./run-control.ts";
import { RunSlot } from "./run-slot.ts";
import { ServerStopping } from "./server-stopping.ts";

/** How a run is carried out and ended; both belong to the worker. */
export interface RunSteps {
  /** Answers the message and ends the run; never rejects. */
  answer(run: Run, signal: AbortSignal): Promise<void>;
  /** Does it take effect at once, whatever its session and its agent are busy with? */
  isImmediate(inbound: InboundEvent): boolean;
  /** Ends a run that was stopped before it began; never rejects. */
  cancel(run: Run): Promise<void>;
  /** How many runs this agent may have at once. */
  concurrency(agentId: string): number;
}

interface Entry {
  readonly run: Run;
  readonly controller: AbortController;
  readonly slot: RunSlot;
  state: "queued" | "running";
  /** Aborts when the server stops and nothing that it has dispatched is being answered. */
  readonly childless: AbortController;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * All open runs of this process: one at a time in a session, in the order they were added; sessions side by side (SPEC
 * RUN1). What a run has dispatched ends with it (SPEC AGT4).
 */
export class AgentRuns implements RunControl {
  readonly #steps: RunSteps;
  readonly #entries = new Map<string, Entry>(); // by run_id, in the order they were added
  readonly #lanes = new Map<string, PQueue>(); // by session_id
  readonly #agents = new Map<string, PQueue>(); // by agent_id
  readonly #children = new Map<string, Entry[]>(); // by run_id of who dispatched to them
  readonly #stopping = new AbortController();

  constructor(steps: RunSteps) {
    this.#steps = steps;
  }

  add(inbound: InboundEvent, sessionSource: string): void {
    if (this.#entries.has(inbound.run_id)) return;
    const controller = new AbortController();
    const queue = queueOf(this.#agents, inbound.agent_id, this.#steps.concurrency(inbound.agent_id));
    const entry: Entry = {
      run: { inbound, sessionSource, text: "", changes: [], ...newAccount() },
      controller,
      slot: new RunSlot(queue, controller.signal),
      state: "queued",
      childless: new AbortController(),
      ended: Promise.withResolvers(),
    };
    this.#entries.set(inbound.run_id, entry);
    const parent = inbound.dispatched_by?.run_id;
    if (parent !== undefined) this.#children.set(parent, [...(this.#children.get(parent) ?? []), entry]);
    if (this.#isOrphan(inbound)) {
      void this.#stop(entry);
      return;
    }
    if (this.#steps.isImmediate(inbound)) {
      void this.#answer(entry);
      return;
    }
    const lane = queueOf(this.#lanes, inbound.session_id, 1);
    void lane
      .add(() => this.#runInTurn(entry))
      .finally(() => {
        if (lane.size === 0 && lane.pending === 0) this.#lanes.delete(inbound.session_id);
      });
  }

  /** Asks again how many runs each agent may have at once. */
  refreshConcurrency(): void {
    for (const [agentId, queue] of this.#agents) queue.concurrency = this.#steps.concurrency(agentId);
  }

  async abort(which: AbortInput): Promise<string[]> {
    const entries = [...this.#entries.values()].filter(({ run: { inbound } }) =>
      "run_id" in which ? inbound.run_id === which.run_id : inbound.session_id === which.session_id,
    );
    return await this.#stopAll(entries);
  }

  /** Stops what its session had sent before this run; gives how many of them ran and how many waited (SPEC CMD4). */
  async stopEarlier(runId: string): Promise<{ running: number; queued: number }> {
    const entries = [...this.#entries.values()];
    const self = this.#entries.get(runId);
    const earlier = entries
      .slice(0, self === undefined ? 0 : entries.indexOf(self))
      .filter(({ run: { inbound } }) => inbound.session_id === self?.run.inbound.session_id)
      .filter(({ run: { inbound } }) => !this.#steps.isImmediate(inbound));
    const running = earlier.filter(({ state }) => state === "running").length;
    await this.#stopAll(earlier);
    return { running, queued: earlier.length - running };
  }

  /** The run leaves its place among those of its agent to others until `wait` has settled. */
  whileWaiting<T>(runId: string, wait: Promise<T>): Promise<T> {
    return this.#entries.get(runId)?.slot.lend(wait) ?? wait;
  }

  /** Aborts with ServerStopping when the server begins to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts with ServerStopping when no answer to what this run has dispatched will come before the next start. */
  childless(runId: string): AbortSignal {
    return this.#entries.get(runId)?.childless.signal ?? this.stopping;
  }

  isRunning(runId: string): boolean {
    return this.#entries.get(runId)?.state === "running";
  }

  /**
   * Starts nothing more and gives what runs `graceMs` to end, unless it waits for a person. What is still running then is
   * interrupted without an end in the log: the next start goes on with it (SPEC RUN13).
   */
  async close(graceMs: number): Promise<void> {
    this.#stopping.abort(new ServerStopping());
    const running = [...this.#entries.values()].filter((entry) => entry.state === "running");
    for (const entry of running) this.#tellChildless(entry);
    const interrupt = setTimeout(() => {
      for (const entry of running) entry.controller.abort(this.stopping.reason);
    }, graceMs);
    await Promise.all(running.map((entry) => entry.ended.promise));
    clearTimeout(interrupt);
  }

  /** With all that they have dispatched; gives the ids of all. */
  async #stopAll(entries: readonly Entry[]): Promise<string[]> {
    const all = new Set(entries);
    for (const { run } of all) for (const child of this.#childrenOf(run.inbound.run_id)) all.add(child); // grows while it is walked
    await Promise.all([...all].map((entry) => this.#stop(entry)));
    return [...all].map(({ run }) => run.inbound.run_id);
  }

  /** Those that are still open. */
  #childrenOf(runId: string): Entry[] {
    return (this.#children.get(runId) ?? []).filter(({ run }) => this.#entries.has(run.inbound.run_id));
  }

  #tellChildless(entry: Entry): void {
    const children = this.#childrenOf(entry.run.inbound.run_id);
    if (children.every(({ state }) => state === "queued")) entry.childless.abort(this.stopping.reason);
  }

  /** Nobody waits for it any more. A parent is added before its children, after a restart too. */
  #isOrphan({ dispatched_by: parent }: InboundEvent): boolean {
    return parent !== undefined && (this.#entries.get(parent.run_id)?.controller.signal.aborted ?? true);
  }

  async #stop(entry: Entry): Promise<void> {
    entry.controller.abort(new RunAborted());
    if (entry.state === "running") return entry.ended.promise;
    // Its lane passes over it: a queued run must not wait for those before it to be stopped.
    this.#entries.delete(entry.run.inbound.run_id);
    await this.#steps.cancel(entry.run);
  }

  async #runInTurn(entry: Entry): Promise<void> {
    const { run_id } = entry.run.inbound;
    await entry.slot.take();
    if (this.#entries.get(run_id) === entry) await this.#answer(entry);
    entry.slot.give();
  }

  async #answer(entry: Entry): Promise<void> {
    if (this.stopping.aborted) return;
    const { run_id, dispatched_by } = entry.run.inbound;
    entry.state = "running";
    await this.#steps.answer(entry.run, entry.controller.signal);
    this.#entries.delete(run_id);
    if (!this.stopping.aborted) await this.#stopAll(this.#childrenOf(run_id));
    this.#children.delete(run_id);
    const parent = dispatched_by && this.#entries.get(dispatched_by.run_id);
    if (this.stopping.aborted && parent) this.#tellChildless(parent);
    entry.ended.resolve();
  }
}

function queueOf(queues: Map<string, PQueue>, key: string, concurrency: number): PQueue {
  const queue = queues.get(key) ?? new PQueue({ concurrency });
  queues.set(key, queue);
  return queue;
}
