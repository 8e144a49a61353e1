import {
  admitEvents,
  appRouter,
  type ConnectionContext,
  type FollowOptions,
  type Gateway,
  toTrpcError,
} from "@my-bot/protocol";
import {
  callTRPCProcedure,
  getErrorShape,
  getTRPCErrorFromUnknown,
  TRPCError,
  transformTRPCResponse,
} from "@trpc/server";
import { parseTRPCMessage, type TRPCClientOutgoingMessage, type TRPCResponseMessage } from "@trpc/server/rpc";
import type { RawData, WebSocket } from "ws";
import type { Connection } from "./connection.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  type ConnectionParams,
  type Envelope,
  envelopesOf,
  inputOf,
  parseConnectionParams,
  parseFrame,
  type RpcCall,
} from "./rpc-message.ts";
import type { SharedFrames } from "./shared-frames.ts";
import { textFrame } from "./text-frame.ts";

export interface RpcSocketDeps {
  readonly gateway: Gateway;
  readonly limits: { readonly batch_calls: number; readonly subscriptions: number };
  readonly frames: SharedFrames;
  /** Failures that are not the client's doing. */
  readonly onError: (error: unknown) => void;
}

export interface RpcSocketOptions {
  readonly socket: WebSocket;
  readonly connection: Connection;
  /** The first message brings the connection's parameters. */
  readonly expectsParams: boolean;
  readonly createContext: (params: ConnectionParams) => ConnectionContext;
}

/** One subscription: first it is admitted, then the log is read. */
interface Subscription {
  readonly call: RpcCall;
  reader?: FrameReader;
  isStopped: boolean;
}

const config = appRouter._def._config;
const EVENTS = "events" satisfies keyof typeof appRouter._def.record;
const STARTED = `,"result":{"type":"started"}}`; // behind the request id
const NEVER = new AbortController().signal; // calls are short; what ends with the socket is the reading of events

/** Speaks tRPC's WebSocket protocol with one client. `events` is read as shared frames; all else the router answers. */
export class RpcSocket {
  readonly #deps: RpcSocketDeps;
  readonly #options: RpcSocketOptions;
  #context: ConnectionContext | undefined;
  #subscriptions: Map<Envelope["id"], Subscription> | undefined; // made for the first one

  /** Serves the socket until it closes. */
  static open(deps: RpcSocketDeps, options: RpcSocketOptions): void {
    const { socket } = options;
    const rpc = new RpcSocket(deps, options);
    socket.on("message", (data, isBinary) => rpc.#receive(data, isBinary));
    socket.on("close", () => rpc.#close());
  }

  private constructor(deps: RpcSocketDeps, options: RpcSocketOptions) {
    this.#deps = deps;
    this.#options = options;
    if (!options.expectsParams) this.#context = options.createContext(null);
  }

  #close(): void {
    for (const id of this.#subscriptions?.keys() ?? []) this.#stop(id);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#options.connection.admitFrame()) return;
    const text = data.toString();
    if (text === "PING" && !isBinary) this.#send("PONG");
    else if (text === "PONG" && !isBinary) return;
    else if (this.#context === undefined) this.#open(text, isBinary);
    else for (const [index, message] of this.#parse(text, isBinary).entries()) this.#handle(message, index);
  }

  #open(text: string, isBinary: boolean): void {
    try {
      this.#context = this.#options.createContext(parseConnectionParams(text, isBinary));
    } catch (cause) {
      this.#respondError({ id: null }, cause);
      setImmediate(() => this.#options.socket.close());
    }
  }

  #parse(text: string, isBinary: boolean): TRPCClientOutgoingMessage[] {
    try {
      const json = parseFrame(text, isBinary);
      const messages: unknown[] = Array.isArray(json) ? json : [json];
      const limit = this.#deps.limits.batch_calls;
      if (messages.length <= limit) return messages.map((message) => parseTRPCMessage(message, config.transformer));
      const tooMany = new TRPCError({ code: "BAD_REQUEST", message: "Batch call exceeds maximum size" });
      for (const envelope of envelopesOf(messages)) this.#respondError(envelope, tooMany);
    } catch (cause) {
      this.#respondError({ id: null }, new TRPCError({ code: "PARSE_ERROR", cause }));
    }
    return [];
  }

  #handle(message: TRPCClientOutgoingMessage, batchIndex: number): void {
    if (message.id === null) {
      this.#respondError(message, new TRPCError({ code: "PARSE_ERROR", message: "`id` is required" }));
    } else if (message.method === "subscription.stop") {
      this.#stop(message.id);
    } else {
      const done =
        message.method === "subscription" ? this.#subscribe(message, batchIndex) : this.#answer(message, batchIndex);
      done.catch(this.#deps.onError);
    }
  }

  async #answer(call: RpcCall, batchIndex: number): Promise<void> {
    try {
      const data = await this.#call(call, batchIndex);
      this.#respond({ ...envelopeOf(call), result: { type: "data", data } });
    } catch (cause) {
      this.#respondError(call, cause, call);
    }
  }

  async #subscribe(call: RpcCall, batchIndex: number): Promise<void> {
    const refusal = this.#refuseSubscription(call);
    if (refusal) {
      this.#respondError(call, refusal, call);
      return;
    }
    const subscription: Subscription = { call, isStopped: false };
    this.#subscriptions ??= new Map();
    this.#subscriptions.set(call.id, subscription);
    try {
      const options = await this.#admit(call, batchIndex);
      if (subscription.isStopped) this.#end(call);
      else this.#follow(call, subscription, options);
    } catch (cause) {
      this.#subscriptions?.delete(call.id);
      this.#respondError(call, cause, call);
    }
  }

  #refuseSubscription({ id }: RpcCall): TRPCError | undefined {
    const limit = this.#deps.limits.subscriptions;
    if (this.#subscriptions?.has(id)) return new TRPCError({ code: "BAD_REQUEST", message: `Duplicate id ${id}` });
    if ((this.#subscriptions?.size ?? 0) < limit) return undefined;
    const message = `More than ${limit} subscriptions on one connection`;
    return new TRPCError({ code: "TOO_MANY_REQUESTS", message });
  }

  /** The one subscription that there is; whatever else is asked for, the router refuses. */
  async #admit(call: RpcCall, batchIndex: number): Promise<FollowOptions> {
    if (this.#context && call.params.path === EVENTS) return admitEvents(this.#context, inputOf(call));
    await this.#call(call, batchIndex);
    throw new Error(`${call.params.path} is no subscription to events`);
  }

  #follow(call: RpcCall, subscription: Subscription, options: FollowOptions): void {
    const { socket, connection } = this.#options;
    const beginning = JSON.stringify(envelopeOf(call)).slice(0, -1);
    const opening = textFrame(beginning + STARTED);
    const onFail = (error: unknown): void => {
      this.#respondError(call, error, call);
      this.#end(call);
    };
    subscription.reader = new FrameReader({
      socket,
      connection,
      frames: this.#deps.frames,
      beginning,
      opening,
      onFail,
    });
    subscription.reader.attach(this.#deps.gateway.follow(options, subscription.reader));
  }

  /** Before its procedure has answered, a subscription ends when it does. */
  #stop(id: Envelope["id"]): void {
    const subscription = this.#subscriptions?.get(id);
    if (!subscription) return;
    subscription.isStopped = true;
    if (!subscription.reader) return;
    subscription.reader.stop();
    this.#end(subscription.call);
  }

  #end(envelope: Envelope): void {
    this.#subscriptions?.delete(envelope.id);
    this.#respond({ ...envelopeOf(envelope), result: { type: "stopped" } });
  }

  #call(call: RpcCall, batchIndex: number): Promise<unknown> {
    const { method: type, params } = call;
    const getRawInput = (): Promise<unknown> => Promise.resolve(inputOf(call));
    const ctx = this.#context;
    return callTRPCProcedure({
      router: appRouter,
      path: params.path,
      getRawInput,
      ctx,
      type,
      signal: NEVER,
      batchIndex,
    });
  }

  #respondError(envelope: Envelope, cause: unknown, call?: RpcCall): void {
    const error = getTRPCErrorFromUnknown(toTrpcError(cause));
    if (error.code === "INTERNAL_SERVER_ERROR") this.#deps.onError(error.cause ?? error);
    const failed = {
      type: call?.method ?? ("unknown" as const),
      path: call?.params.path,
      input: call && inputOf(call),
    };
    this.#respond({ ...envelopeOf(envelope), error: getErrorShape({ config, error, ctx: this.#context, ...failed }) });
  }

  #respond(message: TRPCResponseMessage): void {
    this.#send(JSON.stringify(transformTRPCResponse(config, message)));
  }

  /** A peer that is leaving is told nothing more. */
  #send(text: string): void {
    const { socket, connection } = this.#options;
    if (socket.readyState === socket.OPEN) connection.write(textFrame(text));
  }
}

function envelopeOf({ id, jsonrpc }: Envelope): Pick<Envelope, "id"> & { jsonrpc?: "2.0" } {
  return jsonrpc === undefined ? { id } : { id, jsonrpc };
}
