import { once } from "node:events";
import { WebSocket } from "ws";
import { TurnTexts } from "../wire/turn-texts.ts";
import { text, type WireEvent } from "../wire/wire-event.ts";

/** One run as a connected client saw it; times in milliseconds of `performance.now()`. */
export interface WatchedRun {
  readonly runId: string;
  readonly receivedAt: number;
  readonly answers: { readonly content: string; readonly error: string | null; readonly at: number }[];
  readonly deltas: { count: number; firstAt: number; lastAt: number };
  readonly toolResults: { readonly isError: boolean }[];
  /** The text of the current turn, since the last offset 0. */
  shown: string;
}

/** Sends messages and watches all runs of a server over one raw connection. */
export class RunWatcher implements Disposable {
  readonly texts = new TurnTexts();
  readonly #socket: WebSocket;
  readonly #secret: string;
  readonly #runs = new Map<string, WatchedRun>(); // by content of the message
  readonly #byId = new Map<string, WatchedRun>();
  #waiting: (() => void)[] = []; // asked again after each event
  #leaks = 0;
  #refused = 0;

  /** `secret` is what no frame may hold. */
  static async connect(port: number, secret: string): Promise<RunWatcher> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all`);
    await once(socket, "open");
    return new RunWatcher(socket, secret);
  }

  private constructor(socket: WebSocket, secret: string) {
    this.#socket = socket;
    this.#secret = secret;
    socket.on("error", () => undefined); // what is not answered then is counted
    socket.on("message", (data) => this.#take(data.toString()));
  }

  /** Frames that held the secret. */
  get leaks(): number {
    return this.#leaks;
  }

  /** Messages that the server did not take. */
  get refused(): number {
    return this.#refused;
  }

  send(message: { readonly source: string; readonly content: string; readonly agent_id: string }): void {
    this.#socket.send(JSON.stringify(message));
  }

  run(content: string): WatchedRun | undefined {
    return this.#runs.get(content);
  }

  /** Resolves with true once `isTrue`, which is asked again after each event; with false after `limitMs`. */
  async until(isTrue: () => boolean, limitMs: number): Promise<boolean> {
    if (isTrue()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    const ask = (): void => {
      if (isTrue()) resolve(true);
    };
    this.#waiting.push(ask);
    const outcome = await promise;
    clearTimeout(timer);
    this.#waiting = this.#waiting.filter((other) => other !== ask);
    return outcome;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #take(frame: string): void {
    if (frame.includes(this.#secret)) this.#leaks += 1;
    const event: WireEvent = JSON.parse(frame);
    this.texts.add(event);
    this.#note(event, performance.now());
    for (const ask of this.#waiting) ask();
  }

  #note(event: WireEvent, at: number): void {
    if (event.type === "error") this.#refused += 1;
    if (event.type === "InboundEvent") this.#begin(event, at);
    const run = this.#byId.get(text(event.run_id) ?? "");
    if (!run) return;
    const content = text(event.content) ?? "";
    if (event.type === "DeltaEvent") {
      run.shown = event.offset === 0 ? content : run.shown + content;
      if (run.deltas.count === 0) run.deltas.firstAt = at;
      run.deltas.lastAt = at;
      run.deltas.count += 1;
    }
    if (event.type === "ToolCallEvent") run.shown = "";
    if (event.type === "ToolResultEvent") run.toolResults.push({ isError: event.is_error === true });
    if (event.type === "OutboundEvent") run.answers.push({ content, error: text(event.error) ?? null, at });
  }

  #begin(event: WireEvent, receivedAt: number): void {
    const runId = text(event.run_id) ?? "";
    const deltas = { count: 0, firstAt: 0, lastAt: 0 };
    const run: WatchedRun = { runId, receivedAt, answers: [], deltas, toolResults: [], shown: "" };
    this.#byId.set(runId, run);
    this.#runs.set(text(event.content) ?? "", run);
  }
}
