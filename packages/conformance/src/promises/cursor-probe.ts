import { WebSocket } from "ws";
import { text, type WireEvent } from "../wire/wire-event.ts";

/** The last two as stock clients come back by themselves: with a parameter of the protocol, and with a header. */
export type ProbeDoor = "raw" | "rpc" | "sse" | "rpc again" | "sse again";

/** What a reader is told that resumes with a cursor which cannot be resumed. */
export interface ProbeAnswer {
  /** `silent`: nothing of it, whatever else came. */
  readonly told: "refused" | "gap" | "silent";
  /** From the first connection on. */
  readonly afterMs: number;
  /** Of a GapEvent. */
  readonly reason?: string | undefined;
  /** What came behind it, up to where the log is over: the cursors of stored events. */
  readonly rest: readonly string[];
  /** Of the raw door's refusal. */
  readonly closeCode?: number | undefined;
}

interface Probe {
  take(cursor: string, event: WireEvent): void;
  refuse(): void;
  end(closeCode?: number): void;
  readonly answer: Promise<ProbeAnswer>;
  readonly done: AbortSignal;
}

/** Subscribes at this door behind `cursor`, which may be any JSON value where the door takes JSON. */
export function probeCursor(door: ProbeDoor, options: ProbeOptions): Promise<ProbeAnswer> {
  const probe = createProbe(options.patienceMs);
  const { port, cursor } = options;
  const input = encodeURIComponent(JSON.stringify({ lastEventId: cursor }));
  const events = `http://127.0.0.1:${port}/trpc/events`;
  if (door === "raw") openRaw(probe, options);
  else if (door === "rpc") openRpc(probe, port, { input: { lastEventId: cursor } });
  else if (door === "rpc again") openRpc(probe, port, { lastEventId: cursor });
  else if (door === "sse") openSse(probe, `${events}?input=${input}`);
  else openSse(probe, events, { "Last-Event-ID": String(cursor) });
  return probe.answer;
}

export interface ProbeOptions {
  readonly port: number;
  readonly cursor: unknown;
  readonly patienceMs: number;
}

function createProbe(patienceMs: number): Probe {
  const startedAt = performance.now();
  const { promise, resolve } = Promise.withResolvers<ProbeAnswer>();
  const over = new AbortController();
  const rest: string[] = [];
  let told: ProbeAnswer["told"] = "silent";
  let afterMs = patienceMs;
  let reason: string | undefined;
  const tell = (what: "refused" | "gap"): void => {
    if (told === "silent") afterMs = performance.now() - startedAt;
    told = what;
  };
  const end = (closeCode?: number): void => {
    clearTimeout(timer);
    over.abort();
    resolve({ told, afterMs, reason, rest, closeCode });
  };
  const timer = setTimeout(end, patienceMs);
  return {
    take: (cursor, event) => {
      if (event.type === "GapEvent") reason = text(event.reason);
      if (event.type === "GapEvent") tell("gap");
      else if (event.type === "SyncedEvent") end();
      else rest.push(cursor);
    },
    refuse: () => tell("refused"),
    end,
    answer: promise,
    done: over.signal,
  };
}

function openRaw(probe: Probe, { port, cursor }: ProbeOptions): void {
  const after = typeof cursor === "string" ? cursor : JSON.stringify(cursor);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&after=${encodeURIComponent(after)}`);
  socket.on("message", (data) => {
    const event: WireEvent = JSON.parse(data.toString());
    if (event.type === "error") probe.refuse();
    else probe.take(text(event.cursor) ?? "", event);
  });
  socket.on("error", () => undefined); // closes
  socket.on("close", (code) => probe.end(code));
  probe.done.addEventListener("abort", () => socket.terminate());
}

/** A frame of the tRPC WebSocket protocol, or one event of its event stream. */
interface RpcFrame {
  readonly error?: object;
  readonly result?: { readonly type: string; readonly data?: { readonly id: string; readonly data: WireEvent } };
}

function openRpc(probe: Probe, port: number, params: object): void {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/trpc`);
  const call = { id: 1, method: "subscription", params: { path: "events", ...params } };
  socket.on("open", () => socket.send(JSON.stringify(call)));
  socket.on("message", (data) => {
    const { error, result }: RpcFrame = JSON.parse(data.toString());
    if (result?.data) probe.take(result.data.id, result.data.data);
    if (!error) return;
    probe.refuse();
    probe.end();
  });
  socket.on("error", () => undefined); // closes
  socket.on("close", () => probe.end());
  probe.done.addEventListener("abort", () => socket.terminate());
}

function openSse(probe: Probe, url: string, headers: Record<string, string> = {}): void {
  readStream(probe, url, headers).catch(() => undefined); // cut short when all is known
}

async function readStream(probe: Probe, url: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch(url, { signal: probe.done, headers: { Accept: "text/event-stream", ...headers } });
  if (!response.ok) probe.refuse();
  let rest = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) takeBlock(probe, block);
  }
  probe.end();
}

function takeBlock(probe: Probe, block: string): void {
  const field = (name: string): string | undefined => new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1];
  const kind = field("event");
  if (kind === "serialized-error") {
    probe.refuse();
    probe.end();
  } else if (kind === undefined && field("data")) probe.take(field("id") ?? "", JSON.parse(field("data") ?? ""));
}
