import { initTRPC, TRPCError, type TrackedEnvelope, tracked } from "@trpc/server";
import * as z from "zod";
import { BotError } from "./bot-error.ts";
import { type BotEvent, EventType } from "./events.ts";
import type { EventFilter, FollowOptions, Gateway, SubscribeOptions } from "./gateway.ts";
import { AbortInput, ApproveInput, EventsInput, formatIssues, SendInput } from "./messages.ts";
import { formatSource } from "./source.ts";
import { CreateSessionInput, GetSessionInput, HistoryInput, ListSessionsInput, RenameSessionInput } from "./views.ts";

/** What a door knows of the connection that a call comes from. */
export interface ConnectionContext {
  readonly gateway: Gateway;
  /** Throws a BotError when the connection may not make a call: without the token, or too often. */
  admitCall(): void;
  /** Resolves when the connection can take another frame: the log waits for a slow reader, not memory (SPEC BUS7). */
  writable(): Promise<void> | undefined;
}

const t = initTRPC.context<ConnectionContext>().create({
  isDev: false, // never a stack trace on the wire
  sse: {
    ping: { enabled: true, intervalMs: 25_000 },
    client: { reconnectAfterInactivityMs: 60_000 },
  },
  errorFormatter: ({ shape, error }) => ({ ...shape, message: clientMessage(error) }),
});

type Tracked = TrackedEnvelope<BotEvent>;

const NEVER = new AbortController().signal;

function clientMessage(error: TRPCError): string {
  if (error.cause instanceof z.core.$ZodError) return `Validation error: ${formatIssues(error.cause)}`;
  return error.code === "INTERNAL_SERVER_ERROR" ? "Internal server error" : error.message;
}

/** A BotError under its code; anything else as it is. */
export function toTrpcError(cause: unknown): unknown {
  return cause instanceof BotError ? new TRPCError({ code: cause.code, message: cause.message, cause }) : cause;
}

const procedure = t.procedure.use(async ({ ctx, next }) => {
  try {
    ctx.admitCall();
  } catch (cause) {
    throw toTrpcError(cause);
  }
  const result = await next();
  if (!result.ok && result.error.cause instanceof BotError) throw toTrpcError(result.error.cause);
  return result;
});

/** Unknown names are refused rather than ignored: a typing error must not look like silence. */
function parseTypes(types: readonly string[] | undefined): EventType[] | undefined {
  return types?.map((type) => {
    const parsed = EventType.safeParse(type);
    if (parsed.success) return parsed.data;
    throw new BotError("BAD_REQUEST", `Unknown event type "${type}"; known: ${EventType.options.join(", ")}`);
  });
}

function toFilter(input: EventsInput): EventFilter {
  return {
    session_id: input?.session_id,
    source: input?.source === undefined ? undefined : formatSource({ kind: "platform-ws", id: input.source }),
    types: parseTypes(input?.types),
  };
}

function toFollowOptions(input: EventsInput): FollowOptions {
  return { after: input?.lastEventId ?? undefined, filter: toFilter(input) };
}

/**
 * What the `events` procedure makes of its input, for a transport that reads the log by `Gateway.follow` in its place.
 * Throws what the procedure would.
 */
export function admitEvents(ctx: ConnectionContext, input: unknown): FollowOptions {
  ctx.admitCall();
  const { data, error } = EventsInput.safeParse(input);
  if (error) throw new TRPCError({ code: "BAD_REQUEST", cause: error });
  return toFollowOptions(data);
}

function trackEvents({ gateway, writable }: ConnectionContext, options: SubscribeOptions): AsyncIterable<Tracked> {
  const records = gateway.events(options); // throws at once for a bad cursor, as a generator would not
  return (async function* () {
    for await (const { cursor, event } of records) {
      yield tracked(cursor, event);
      await writable();
    }
  })();
}

/** The RPC surface (SPEC RPC): what `/trpc` serves over WebSocket and HTTP. */
export const appRouter = t.router({
  info: procedure.query(({ ctx }) => ctx.gateway.info()),

  send: procedure.input(SendInput).mutation(async ({ ctx, input }) => (await ctx.gateway.send(input)).receipt),

  events: procedure
    .input(EventsInput)
    .subscription(({ ctx, input, signal = NEVER }) => trackEvents(ctx, { ...toFollowOptions(input), signal })),

  abort: procedure.input(AbortInput).mutation(({ ctx, input }) => ctx.gateway.abort(input)),

  approve: procedure.input(ApproveInput).mutation(({ ctx, input }) => ctx.gateway.approve(input)),

  approvals: t.router({
    list: procedure.query(({ ctx }) => ctx.gateway.listApprovals()),
  }),

  sessions: t.router({
    list: procedure.input(ListSessionsInput).query(({ ctx, input }) => ctx.gateway.listSessions(input)),
    get: procedure.input(GetSessionInput).query(({ ctx, input }) => ctx.gateway.getSession(input.session_id)),
    history: procedure.input(HistoryInput).query(({ ctx, input }) => ctx.gateway.history(input)),
    create: procedure.input(CreateSessionInput).mutation(({ ctx, input }) => ctx.gateway.createSession(input)),
    rename: procedure.input(RenameSessionInput).mutation(({ ctx, input }) => ctx.gateway.renameSession(input)),
    delete: procedure.input(GetSessionInput).mutation(({ ctx, input }) => ctx.gateway.deleteSession(input.session_id)),
  }),

  agents: t.router({
    list: procedure.query(({ ctx }) => ctx.gateway.listAgents()),
  }),

  commands: t.router({
    list: procedure.query(({ ctx }) => ctx.gateway.listCommands()),
  }),
});

export type AppRouter = typeof appRouter;
