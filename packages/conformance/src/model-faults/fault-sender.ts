import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { FaultyModel } from "../model/faulty-model.ts";
import type { ServerCommand } from "../server/server-command.ts";
import type { ModelFaultCase } from "./model-fault-case.ts";
import type { RunWatcher } from "./run-watcher.ts";

export interface FaultMessage {
  readonly fault: ModelFaultCase;
  readonly content: string;
}

/** What a message needs on its way: who sends it, and who sees what comes of it. */
export interface FaultBench {
  readonly model: FaultyModel;
  readonly server: ServerCommand;
  readonly watcher: RunWatcher;
  readonly left: Map<string, PromiseWithResolvers<void>>; // by content: its sender has gone
}

const PATIENCE_MS = 20_000; // beside the bound, before a run counts as unanswered

/** Resolves when its answer has come and its requests have ended, or will not; with the time of a stop. */
export async function sendMessage(bench: FaultBench, { fault, content }: FaultMessage): Promise<number | undefined> {
  const { watcher, model } = bench;
  const limitMs = fault.expected.withinMs + PATIENCE_MS;
  const message = { source: content.replace(/\W+/g, "-"), content, agent_id: fault.agent };
  let stoppedAt: number | undefined;
  if (fault.sender === "leaves at text") await sendAndLeave(bench, message);
  else watcher.send(message);
  if (fault.sender === "stops at request" || fault.sender === "stops at text") {
    stoppedAt = await stopRun(bench, content, fault.sender);
  }
  await watcher.until(() => (watcher.run(content)?.answers.length ?? 0) > 0, limitMs);
  await Promise.race([Promise.all(model.exchanges(content).map(({ gone }) => gone)), delay(1500)]);
  return stoppedAt;
}

async function stopRun({ watcher, model, server }: FaultBench, content: string, when: string): Promise<number> {
  const isThere = (): boolean =>
    when === "stops at text" ? (watcher.run(content)?.shown ?? "") !== "" : model.exchanges(content).length > 0;
  const deadline = performance.now() + PATIENCE_MS;
  while (!(watcher.run(content) && isThere()) && performance.now() < deadline) await delay(10);
  const stoppedAt = performance.now();
  await fetch(`http://127.0.0.1:${server.port}/trpc/abort`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ run_id: watcher.run(content)?.runId }),
  }).catch(() => undefined); // the answer tells
  return stoppedAt;
}

/** From a connection of its own, which is cut once text is shown. */
async function sendAndLeave({ server, watcher, left }: FaultBench, message: { content: string }): Promise<void> {
  const gone = Promise.withResolvers<void>();
  left.set(message.content, gone);
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?events=all`);
  socket.on("open", () => socket.send(JSON.stringify(message)));
  socket.on("error", () => gone.resolve());
  socket.on("close", () => gone.resolve());
  const isShown = (): boolean => (watcher.run(message.content)?.shown ?? "") !== "";
  await watcher.until(isShown, PATIENCE_MS);
  socket.terminate();
}
