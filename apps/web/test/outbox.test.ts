import { expect, test } from "vitest";
import { Outbox, type OutboxDeps } from "../bot/outbox.ts";

class MemoryStorage implements Storage {
  readonly #items = new Map<string, string>();

  get length(): number {
    return this.#items.size;
  }

  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }

  clear(): void {
    this.#items.clear();
  }
}

type Sent = { message_id: string; session_id: string; content: string };

/** A server that takes messages, or never answers, or refuses. */
function fakeServer(deliver?: () => Promise<void>) {
  const storage = new MemoryStorage();
  const sent: Sent[] = [];
  const created: string[] = [];
  const deps: OutboxDeps = {
    storage,
    createSession: async () => `new-${created.length + 1}`,
    deliver: async ({ message_id, session_id, content }) => {
      sent.push({ message_id, session_id, content });
      await deliver?.();
    },
    explain: (cause) => ({ error: String(cause), isSessionGone: cause === "gone" }),
    onSessionCreated: (sessionId) => created.push(sessionId),
  };
  return { storage, sent, created, deps };
}

const unanswered = (): Promise<void> => new Promise(() => {});

test("[WEB7] a message that the server has is forgotten by the storage, and shown until its event is seen", async () => {
  const { deps, storage, sent } = fakeServer();
  const outbox = new Outbox(deps);
  outbox.send("Hello", "s1");
  await expect.poll(() => storage.length).toBe(0);
  expect(sent).toMatchObject([{ content: "Hello", session_id: "s1" }]);
  expect(outbox.messages()).toHaveLength(1);
  outbox.remove(outbox.messages()[0]?.message_id ?? "");
  expect(outbox.messages()).toEqual([]);
});

test("[WEB7] a message without an answer is sent again by the next page, under the same id", async () => {
  const { deps, storage, sent } = fakeServer(unanswered);
  new Outbox(deps).send("Hello", "s1");
  await expect.poll(() => sent.length).toBe(1);
  const next = new Outbox({ ...deps, deliver: async (message) => void sent.push(message) });
  await expect.poll(() => storage.length).toBe(0);
  expect(next.messages()).toMatchObject([{ content: "Hello" }]);
  expect(sent[1]).toMatchObject({ message_id: sent[0]?.message_id, session_id: "s1" });
});

test("[WEB7] what is written into a new conversation goes into one session, in order", async () => {
  const { deps, sent, created } = fakeServer();
  const outbox = new Outbox(deps);
  outbox.send("one", null);
  outbox.send("two", null);
  await expect.poll(() => sent.length).toBe(2);
  expect(created).toEqual(["new-1"]);
  expect(sent.map(({ content, session_id }) => [content, session_id])).toEqual([
    ["one", "new-1"],
    ["two", "new-1"],
  ]);
});

test("[WEB7] a refused message waits for the user, also on the next page", async () => {
  const { deps, sent } = fakeServer(() => Promise.reject("busy"));
  new Outbox(deps).send("Hello", "s1");
  await expect.poll(() => sent.length).toBe(1);
  const next = new Outbox({ ...deps, deliver: async (message) => void sent.push(message) });
  expect(next.messages()).toMatchObject([{ content: "Hello", error: "busy" }]);
  next.retry(next.messages()[0]?.message_id ?? "");
  await expect.poll(() => sent.length).toBe(2);
  expect(sent[1]?.message_id).toBe(sent[0]?.message_id);
});

test("[WEB7] the text of a message to a deleted conversation is kept for a new one", async () => {
  const { deps, sent } = fakeServer(() => Promise.reject("gone"));
  const outbox = new Outbox(deps);
  outbox.send("Hello", "s1");
  await expect.poll(() => outbox.messages()[0]?.error).toBe("gone");
  expect(outbox.messages()).toMatchObject([{ session_id: null, content: "Hello" }]);
  expect(sent).toHaveLength(1);
});
