import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { type FaultyModel, startFaultyModel } from "../model/faulty-model.ts";
import { configFor } from "../server/config-for.ts";
import { prepareServerCommand, type ServerCommand } from "../server/server-command.ts";
import { StartTally } from "../server/start-tally.ts";
import { createWorkspace } from "../server/workspace.ts";
import { readEvents } from "../wire/read-log.ts";
import { sendContents } from "../wire/send-contents.ts";
import { judgeToolEffects } from "./judge-tool-effects.ts";

export interface ToolEffectsOptions {
  /** How to start the server, with `{workspace}` and `{port}`. */
  readonly command: string;
  readonly seed: number;
  /** How often the server is killed around tool calls. */
  readonly kills: number;
  /** How long the last answers may take; 60 s unless told. */
  readonly settleMs?: number | undefined;
}

const CALLS_AT_ONCE = 4;
const LONGEST_WAIT_MS = 50; // from the call to the kill, and within a call before and after its effect
const REACH_LIMIT_MS = 5000;
const EFFECTS = "effects.txt";

interface Scene {
  readonly options: ToolEffectsOptions;
  readonly random: Random;
  readonly server: ServerCommand;
  readonly model: FaultyModel;
  /** What the model was told of the outcome of its calls, by message. */
  readonly told: Map<string, string[]>;
  readonly sent: string[];
  readonly starts: StartTally;
}

/**
 * A model calls `bash` to append the name of its message to a file, and the server is killed around these calls. No name
 * may be there twice, and of each call that was interrupted the model has to be told that its outcome is unknown.
 */
export async function runToolEffects(options: ToolEffectsOptions, say: Say): Promise<RunReport> {
  const startedAt = performance.now();
  const random = createRandom(options.seed);
  const told = new Map<string, string[]>();
  await using model = await startFaultyModel((reply, { content, messages }) => {
    const last = messages.at(-1);
    if (last?.role === "tool") {
      told.set(content, [...(told.get(content) ?? []), last.content ?? ""]);
      reply.text(`re: ${content}`);
      reply.finish("stop");
      return;
    }
    reply.toolCall(0, "bash", JSON.stringify({ command: effectOf(content, random) }));
    reply.finish("tool_calls");
  });
  using workspace = createWorkspace({ config: configFor(model.baseUrl, { tools: { bash: { approval: "allow" } } }) });
  await using server = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  const scene: Scene = { options, random, server, model, told, sent: [], starts: new StartTally() };
  await scene.starts.start(server, say);
  for (let kill = 0; kill < options.kills; kill++) {
    await killAroundCalls(scene, kill, say);
    if ((kill + 1) % 20 === 0) say(`${kill + 1} of ${options.kills} kills`);
  }
  const events = await settle(scene);
  const path = join(workspace.dir, EFFECTS);
  const effects = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  const { verdict, facts } = judgeToolEffects({ sent: scene.sent, told, effects, events });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return {
    verdict: { ...verdict, failedStarts: scene.starts.failed },
    facts: { kills: options.kills, ...facts, seconds },
  };
}

function effectOf(content: string, random: Random): string {
  const pause = (): string => `sleep 0.0${String(random.int(0, LONGEST_WAIT_MS)).padStart(2, "0")}`;
  return `${pause()}; echo '${content}' >> ${EFFECTS}; ${pause()}`;
}

async function killAroundCalls(scene: Scene, kill: number, say: Say): Promise<void> {
  const { random, server, model, sent } = scene;
  const contents = Array.from({ length: CALLS_AT_ONCE }, (_, index) => `effect ${kill}-${index}`);
  sent.push(...contents);
  await sendContents(server.port, contents);
  const deadline = performance.now() + REACH_LIMIT_MS;
  const [first = ""] = contents;
  while (!model.exchanges(first)[0]?.isOver && performance.now() < deadline) await delay(1);
  await delay(random.int(0, LONGEST_WAIT_MS));
  await server.kill();
  await scene.starts.start(server, say);
}

async function settle({ options, server, sent }: Scene): ReturnType<typeof readEvents> {
  const deadline = performance.now() + (options.settleMs ?? 60_000);
  for (;;) {
    const events = await readEvents(server.port);
    const answers = events.filter(({ type }) => type === "OutboundEvent").length;
    if (answers >= sent.length || performance.now() > deadline) return events;
    await delay(200);
  }
}
