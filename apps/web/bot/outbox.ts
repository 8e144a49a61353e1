import type { Attachment } from "@my-bot/protocol";

/** A message of this page on its way into the log. */
export interface LocalMessage {
  readonly message_id: string;
  readonly session_id: string | null; // null: its conversation is not yet created
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly created_at: number; // milliseconds since 1970; their order
  readonly error: string | null; // why it was refused: waits for the user
}

export interface OutboxDeps {
  readonly storage: Storage;
  createSession(): Promise<string>;
  /** Resolves once the server has stored the message; the same message_id is stored once. */
  deliver(message: LocalMessage & { readonly session_id: string }): Promise<void>;
  /** Why it was refused, for a person, and whether its conversation is gone; null: it waits for the next outbox. */
  explain(cause: unknown): { readonly error: string; readonly isSessionGone: boolean } | null;
  onSessionCreated(sessionId: string): void;
}

const PREFIX = "my-bot.outbox.";

/**
 * Messages wait in the browser's storage until the server has them, also across reloads, and go out one after the
 * other. In memory they stay until `remove`, so that nothing flickers between the receipt and the InboundEvent.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #listeners = new Set<() => void>();
  #messages: readonly LocalMessage[];
  #lane: Promise<void> = Promise.resolve(); // never rejects
  #isClosed = false;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#messages = readAll(deps.storage);
    for (const message of this.#messages) {
      if (message.error === null) this.#enqueue(message.message_id);
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly messages = (): readonly LocalMessage[] => this.#messages;

  send(content: string, sessionId: string | null, attachments: readonly Attachment[] = []): void {
    const message_id = randomId();
    this.#put({ message_id, session_id: sessionId, content, attachments, created_at: Date.now(), error: null });
    this.#enqueue(message_id);
  }

  retry(messageId: string): void {
    this.#update(messageId, { error: null });
    this.#enqueue(messageId);
  }

  /** Its InboundEvent is on the screen, or the user gave it up. */
  remove(messageId: string): void {
    this.#deps.storage.removeItem(PREFIX + messageId);
    this.#show(this.#messages.filter((message) => message.message_id !== messageId));
  }

  /** Stops sending; what is not yet stored on the server stays for the next page. */
  close(): void {
    this.#isClosed = true;
  }

  #enqueue(messageId: string): void {
    this.#lane = this.#lane.then(() => this.#deliver(messageId));
  }

  async #deliver(messageId: string): Promise<void> {
    const message = this.#find(messageId);
    if (this.#isClosed || message === undefined || message.error !== null) return;
    try {
      const session_id = message.session_id ?? (await this.#openSession());
      if (this.#isClosed) return;
      await this.#deps.deliver({ ...message, session_id });
      this.#deps.storage.removeItem(PREFIX + messageId);
    } catch (cause) {
      if (this.#isClosed) return;
      const refusal = this.#deps.explain(cause);
      if (refusal === null) return;
      this.#update(messageId, { error: refusal.error, ...(refusal.isSessionGone && { session_id: null }) });
    }
  }

  /** One conversation for everything that was written on the page of a new one. */
  async #openSession(): Promise<string> {
    const sessionId = await this.#deps.createSession();
    for (const { message_id, session_id, error } of this.#messages) {
      if (session_id === null && error === null) this.#update(message_id, { session_id: sessionId });
    }
    this.#deps.onSessionCreated(sessionId);
    return sessionId;
  }

  #find(messageId: string): LocalMessage | undefined {
    return this.#messages.find((message) => message.message_id === messageId);
  }

  #update(messageId: string, changes: Partial<LocalMessage>): void {
    const message = this.#find(messageId);
    if (message) this.#put({ ...message, ...changes });
  }

  #put(message: LocalMessage): void {
    write(this.#deps.storage, message);
    const index = this.#messages.findIndex(({ message_id }) => message_id === message.message_id);
    this.#show(index < 0 ? [...this.#messages, message] : this.#messages.with(index, message));
  }

  #show(messages: readonly LocalMessage[]): void {
    this.#messages = messages;
    for (const listener of this.#listeners) listener();
  }
}

/** `crypto.randomUUID` is missing on plain http from another machine. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function write(storage: Storage, message: LocalMessage): void {
  try {
    storage.setItem(PREFIX + message.message_id, JSON.stringify(message));
  } catch {
    // Full or forbidden: the message is sent from memory all the same.
  }
}

function readAll(storage: Storage): LocalMessage[] {
  return Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "")
    .filter((key) => key.startsWith(PREFIX))
    .flatMap((key) => parse(storage.getItem(key)))
    .sort((a, b) => a.created_at - b.created_at);
}

function parse(text: string | null): LocalMessage[] {
  try {
    const { message_id, session_id, content, attachments, created_at, error } = JSON.parse(text ?? "");
    if (typeof message_id !== "string" || typeof content !== "string") return [];
    return [
      {
        message_id,
        session_id: session_id ?? null,
        content,
        attachments: attachments ?? [], // of an older page
        created_at: Number(created_at),
        error: error ?? null,
      },
    ];
  } catch {
    return []; // not ours
  }
}
