import type { EventBatch, EventFilter } from "@my-bot/protocol";
import type { LiveRecord } from "./fan-out.ts";
import { matchesFilter } from "./filter.ts";
import type { Follower } from "./follower.ts";

/** Readers with the same filter. Those that are at the end of the log are its members. */
export class ReaderGroup {
  readonly filter: EventFilter | undefined;
  readonly members = new Set<Follower>();

  constructor(filter: EventFilter | undefined) {
    this.filter = filter;
  }

  give(batch: EventBatch, head: number): void {
    for (const follower of this.members) follower.give(batch, head);
  }
}

type Key = string;

/** Finds the groups that want an event without asking all of them: by its session, by its source, and those for everything. */
export class GroupIndex {
  readonly #groups = new Map<Key, { readonly group: ReaderGroup; readers: number }>();
  readonly #scopes = new Map<Key, Set<ReaderGroup>>(); // by scope of the filter

  /** The group of this filter, for one more reader. */
  join(filter: EventFilter | undefined): ReaderGroup {
    const key = keyOf(filter);
    const entry = this.#groups.get(key) ?? { group: new ReaderGroup(filter), readers: 0 };
    entry.readers += 1;
    this.#groups.set(key, entry);
    const scope = scopeOf(filter);
    const groups = this.#scopes.get(scope) ?? new Set();
    this.#scopes.set(scope, groups.add(entry.group));
    return entry.group;
  }

  leave({ filter }: ReaderGroup): void {
    const key = keyOf(filter);
    const entry = this.#groups.get(key);
    if (!entry) return;
    entry.readers -= 1;
    if (entry.readers > 0) return;
    this.#groups.delete(key);
    const scope = scopeOf(filter);
    const groups = this.#scopes.get(scope);
    groups?.delete(entry.group);
    if (groups?.size === 0) this.#scopes.delete(scope);
  }

  *of({ event, sessionSource }: LiveRecord): Generator<ReaderGroup> {
    for (const scope of [EVERYTHING, sessionScope(event.session_id), sourceScope(sessionSource)]) {
      for (const group of this.#scopes.get(scope) ?? []) {
        if (group.members.size > 0 && matchesFilter(event, sessionSource, group.filter)) yield group;
      }
    }
  }
}

const EVERYTHING = "";
const sessionScope = (sessionId: string): Key => `session ${sessionId}`;
const sourceScope = (source: string): Key => `source ${source}`;

function scopeOf(filter: EventFilter | undefined): Key {
  if (filter?.session_id !== undefined) return sessionScope(filter.session_id);
  return filter?.source === undefined ? EVERYTHING : sourceScope(filter.source);
}

function keyOf(filter: EventFilter | undefined): Key {
  return JSON.stringify([filter?.session_id, filter?.source, filter?.types?.toSorted()]);
}
