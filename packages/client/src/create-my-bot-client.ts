import { ask } from "./ask.ts";
import { Attachments } from "./attachments.ts";
import { Caller } from "./caller.ts";
import { MyBotClientError } from "./client-error.ts";
import { Connection } from "./connection.ts";
import { streamEvents } from "./event-stream.ts";
import type { MyBotClient, MyBotClientOptions } from "./my-bot-client.ts";
import { toServerAddress } from "./server-address.ts";

/** Makes a client; it connects at the first call. Throws TypeError for a bad address or a runtime without WebSocket. */
export function createMyBotClient(options: MyBotClientOptions): MyBotClient {
  const address = toServerAddress(options.url);
  const connection = openConnection(address.trpc, options);
  const attachments = new Attachments({
    url: address.attachments,
    token: options.token,
    closing: connection.closing,
  });
  const caller = new Caller(connection);
  const send: MyBotClient["send"] = (input, options) =>
    caller.call((trpc, message, call) => trpc.send.mutate(message, call), withMessageId(input), options);
  const events: MyBotClient["events"] = (options = {}) => streamEvents(connection, options);
  return {
    connection: {
      get state() {
        return connection.state;
      },
      subscribe: (listener) => connection.subscribe(listener),
    },
    send,
    events,
    ask: (input, options = {}) => ask({ send, events, closing: connection.closing }, withMessageId(input), options),
    abort: (input) => caller.call((trpc, runs, call) => trpc.abort.mutate(runs, call), input),
    approve: (input) => caller.call((trpc, answer, call) => trpc.approve.mutate(answer, call), input),
    approvals: {
      list: () => caller.call((trpc, none, call) => trpc.approvals.list.query(none, call), undefined),
    },
    info: (options) => caller.call((trpc, none, call) => trpc.info.query(none, call), undefined, options),
    sessions: createSessionCalls(caller),
    attachments: {
      upload: (image, call) => attachments.upload(image, call),
      download: (attachmentId, call) => attachments.download(attachmentId, call),
    },
    agents: {
      list: () => caller.call((trpc, none, call) => trpc.agents.list.query(none, call), undefined),
    },
    commands: {
      list: () => caller.call((trpc, none, call) => trpc.commands.list.query(none, call), undefined),
    },
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function createSessionCalls(caller: Caller): MyBotClient["sessions"] {
  return {
    list: (input) => caller.call((trpc, page, call) => trpc.sessions.list.query(page, call), input),
    get: (session_id) => caller.call((trpc, session, call) => trpc.sessions.get.query(session, call), { session_id }),
    history: (input) => caller.call((trpc, page, call) => trpc.sessions.history.query(page, call), input),
    create: (input) =>
      caller.call((trpc, session, call) => trpc.sessions.create.mutate(session, call), input, { isRepeatable: false }),
    rename: (session_id, title) =>
      caller.call((trpc, session, call) => trpc.sessions.rename.mutate(session, call), { session_id, title }),
    delete: (session_id) => deleteSession(caller, { session_id }),
  };
}

async function deleteSession(caller: Caller, session: { session_id: string }): Promise<void> {
  let attempts = 0;
  try {
    await caller.call((trpc, input, call) => {
      attempts += 1;
      return trpc.sessions.delete.mutate(input, call);
    }, session);
  } catch (cause) {
    const isDone = attempts > 1 && cause instanceof MyBotClientError && cause.code === "NOT_FOUND";
    if (!isDone) throw cause; // else the attempt whose answer was lost did it
  }
}

function openConnection(url: string, { token, WebSocket: given }: MyBotClientOptions): Connection {
  const Socket = given ?? globalThis.WebSocket;
  if (Socket === undefined) throw new TypeError("This runtime has no WebSocket; pass one as the option `WebSocket`");
  return new Connection({ url, token, WebSocket: Socket });
}

function withMessageId<T extends { readonly message_id?: string | undefined }>(input: T) {
  return { ...input, message_id: input.message_id ?? newMessageId() };
}

/** `crypto.randomUUID` is missing in pages that came over plain http from another machine. */
function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
