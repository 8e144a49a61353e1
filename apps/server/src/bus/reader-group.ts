import { type EventBatch, type EventFilter, homeSession } from "@my-bot/protocol";
import type { LiveRecord } from "./fan-out.ts";
import { matchesFilter } from "./filter.ts";
import type { Follower } from "./follower.ts";

/** Readers with the same filter. Those that are at the end of the log are its members. */
export class ReaderGroup {
  readonly filter: EventFilter | undefined;
  readonly members = new Set<Follower>();
  #batch: LiveRecord[] = []; // of this tick

  constructor(filter: EventFilter | undefined) {
    this.filter = filter;
  }

  /** For the batch of this tick; true when it is its first. */
  add(record: LiveRecord): boolean {
    return this.#batch.push(record) === 1;
  }

  /** Hands the batch out; `head` is the end of the log. */
  give(head: number): void {
    const batch: EventBatch = this.#batch;
    this.#batch = [];
    for (const follower of this.members) follower.give(batch, head);
  }
}

/** Finds the groups that want an event without asking all of them: by its session, by its source, and those for everything. */
export class GroupIndex {
  readonly #groups = new Map<string, { readonly group: ReaderGroup; readers: number }>(); // by filter
  readonly #unscoped = new Set<ReaderGroup>();
  readonly #bySession = new Map<string, Set<ReaderGroup>>();
  readonly #bySource = new Map<string, Set<ReaderGroup>>();

  /** The group of this filter, for one more reader. */
  join(filter: EventFilter | undefined): ReaderGroup {
    const key = keyOf(filter);
    const entry = this.#groups.get(key) ?? { group: new ReaderGroup(filter), readers: 0 };
    entry.readers += 1;
    this.#groups.set(key, entry);
    this.#scopeOf(filter).add(entry.group);
    return entry.group;
  }

  leave({ filter }: ReaderGroup): void {
    const key = keyOf(filter);
    const entry = this.#groups.get(key);
    if (!entry) return;
    entry.readers -= 1;
    if (entry.readers > 0) return;
    this.#groups.delete(key);
    const scope = this.#scopeOf(filter);
    scope.delete(entry.group);
    if (scope.size > 0) return;
    if (filter?.session_id !== undefined) this.#bySession.delete(filter.session_id);
    else if (filter?.source !== undefined) this.#bySource.delete(filter.source);
  }

  /** Calls for each group that has members and wants the record. */
  forEach(record: LiveRecord, give: (group: ReaderGroup, record: LiveRecord) => void): void {
    const { event, sessionSource } = record;
    const session = this.#bySession.get(homeSession(event));
    for (const scope of [this.#unscoped, session, this.#bySource.get(sessionSource)]) {
      if (!scope) continue;
      for (const group of scope) {
        if (group.members.size > 0 && matchesFilter(event, sessionSource, group.filter)) give(group, record);
      }
    }
  }

  #scopeOf(filter: EventFilter | undefined): Set<ReaderGroup> {
    if (filter?.session_id !== undefined) return setAt(this.#bySession, filter.session_id);
    if (filter?.source !== undefined) return setAt(this.#bySource, filter.source);
    return this.#unscoped;
  }
}

function setAt<T>(sets: Map<string, Set<T>>, key: string): Set<T> {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set);
  return set;
}

function keyOf(filter: EventFilter | undefined): string {
  return JSON.stringify([filter?.session_id, filter?.source, filter?.types?.toSorted()]);
}
