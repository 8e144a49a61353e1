import type { EventBatch, EventReader, Following, GapEvent } from "@my-bot/protocol";
import type { FanOut, Start } from "./fan-out.ts";
import type { ReaderGroup } from "./reader-group.ts";

export interface FollowerDeps {
  readonly fanOut: FanOut;
  readonly group: ReaderGroup;
  readonly reader: EventReader;
}

const SYNCED = { type: "SyncedEvent" as const }; // one for all: its JSON is made once

/** `waiting`: for room; `reading`: the next page is on its way; `live`: a member of its group. */
type State = "waiting" | "reading" | "live" | "stopped";

/** One reader: a position in the log. The log is its queue, so a slow reader costs a constant. */
export class Follower implements Following {
  readonly #deps: FollowerDeps;
  #state: State = "waiting";
  #position: number; // while it is live, the end of the log
  #gap: GapEvent | undefined;
  #knownPruned: number;
  #hasSynced = false;

  constructor(deps: FollowerDeps, { position, gap }: Start) {
    this.#deps = deps;
    this.#position = position;
    this.#gap = gap;
    this.#knownPruned = deps.fanOut.log.prunedSeq;
  }

  resume(): void {
    if (this.#state === "waiting") this.#read();
  }

  stop(): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    const { fanOut, group } = this.#deps;
    group.members.delete(this);
    fanOut.leave(group);
  }

  /** A batch for all members; `head` is the end of the log then. */
  give(batch: EventBatch, head: number): void {
    if (this.#deps.reader.take(batch) || this.#state === "stopped") return;
    this.#state = "waiting";
    this.#position = head;
    this.#deps.group.members.delete(this);
  }

  /** One page at a time, so that a long backlog holds up nobody. */
  #read(): void {
    this.#state = "reading";
    try {
      const hasRoom = this.#giveGap() && this.#givePage();
      if (this.#state !== "reading") return;
      if (!hasRoom) this.#state = "waiting";
      else if (this.#position < this.#deps.fanOut.log.head) setImmediate(() => this.#continue());
      else this.#goLive();
    } catch (cause) {
      this.stop();
      this.#deps.reader.fail(cause);
    }
  }

  #continue(): void {
    if (this.#state === "reading") this.#read();
  }

  #giveGap(): boolean {
    const { fanOut, reader } = this.#deps;
    const { prunedSeq } = fanOut.log;
    if (prunedSeq > this.#knownPruned && this.#position > 0 && this.#position < prunedSeq) {
      this.#gap = { type: "GapEvent", reason: "pruned" };
      this.#position = 0;
      this.#hasSynced = false;
    }
    this.#knownPruned = prunedSeq;
    const gap = this.#gap;
    this.#gap = undefined;
    return gap === undefined || reader.take([fanOut.ephemeral(this.#position, gap)]);
  }

  #givePage(): boolean {
    const { fanOut, group, reader } = this.#deps;
    const { records, upTo } = fanOut.readPage(group, this.#position);
    this.#position = upTo;
    return records.length === 0 || reader.take(records);
  }

  #goLive(): void {
    const { fanOut, group } = this.#deps;
    fanOut.flush(); // what has gone out before is in the text so far
    const position = this.#position;
    const synced = this.#hasSynced ? [] : [fanOut.ephemeral(position, SYNCED)];
    const batch = [...synced, ...fanOut.liveText(group.filter, position)];
    this.#hasSynced = true;
    this.#state = "live";
    group.members.add(this);
    if (batch.length > 0) this.give(batch, position);
  }
}
