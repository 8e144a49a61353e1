import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SentMessage } from "../ledger/ledger.ts";
import { createRandom, type Random } from "../ledger/random.ts";
import type { ServerCommand } from "../server/server-command.ts";
import { sendAll } from "../wire/send-all.ts";
import { rawLine, Sender } from "../wire/sender.ts";
import { followRaw } from "../wire/subscriber.ts";
import type { TracedProcess } from "./cut-life.ts";
import { readImage } from "./disk-image.ts";
import { prepareTracedServer } from "./traced-server.ts";

/** From one power cut to the next: a server that is killed and stopped, and started again, while messages come in. */
export interface Life {
  readonly processes: readonly TracedProcess[];
  readonly sent: readonly SentMessage[];
}

export interface LifeOptions {
  readonly command: string;
  readonly workspaceDir: string;
  /** Names the senders, so that no message id comes twice. */
  readonly name: string;
  readonly messages: number;
  /** Sent again first, under their ids. */
  readonly earlier: readonly SentMessage[];
  /** How long nothing is sent in the middle. */
  readonly idleMs: number;
  readonly random: Random;
}

type End = "kill" | "term";

/** How the processes of one life end. */
const ENDS: readonly End[] = ["kill", "kill", "term", "kill", "kill"];
const PROGRESS_LIMIT_MS = 60_000;
const LONGEST_CALM_MS = 60;

export async function recordLife(options: LifeOptions): Promise<Life> {
  const traceDir = mkdtempSync(join(tmpdir(), "my-bot-trace-"));
  try {
    return await liveTraced(options, join(traceDir, "trace"));
  } finally {
    rmSync(traceDir, { recursive: true, force: true });
  }
}

async function liveTraced(options: LifeOptions, traceFile: string): Promise<Life> {
  const { command, workspaceDir, name, messages, random } = options;
  const { server, readSteps } = await prepareTracedServer({ command, workspaceDir, traceFile });
  await using _ = server;
  const ends = random.shuffle(ENDS);
  await startServer(server);
  const follower = followRaw(name, server.port);
  await sendAll(server.port, options.earlier);
  const crowd = new Crowd(name, server.port, random);
  const processes: TracedProcess[] = [];
  for (const [index, end] of ends.entries()) {
    if (index > 0) await startServer(server);
    await crowd.advance((messages * (index + 1)) / ends.length);
    if (index === 2 && options.idleMs > 0) await crowd.rest(options.idleMs);
    await delay(random.int(0, LONGEST_CALM_MS));
    await (end === "kill" ? server.kill() : server.terminate());
    processes.push({ steps: await readSteps(), disk: readImage(workspaceDir) });
  }
  follower.close();
  await crowd.close();
  return { processes, sent: crowd.sent };
}

async function startServer(server: ServerCommand): Promise<void> {
  server.launch();
  if (await server.ready()) return;
  throw new Error(`The server does not start under strace: ${server.stderr.trim()}`);
}

/** Two raw senders: one sees all events, one its receipts only. */
class Crowd {
  readonly #senders: readonly Sender[];
  readonly #hurry = new AbortController();
  readonly #sending: Promise<unknown>;
  #isResting = false;

  constructor(name: string, port: number, random: Random) {
    this.#senders = [rawLine(port), rawLine(port, "&session=none")].map((openLine, index) => {
      const seed = random.int(0, 1_000_000);
      const mayGo = (): boolean => !this.#isResting;
      return new Sender({ name: `${name}-sender${index}`, openLine, random: createRandom(seed), mayGo });
    });
    this.#sending = Promise.all(this.#senders.map((sender) => sender.run(this.#hurry.signal)));
  }

  get sent(): readonly SentMessage[] {
    return this.#senders.flatMap(({ sent }) => sent);
  }

  /** Until so many messages are acknowledged in all. */
  async advance(count: number): Promise<void> {
    const deadline = performance.now() + PROGRESS_LIMIT_MS;
    const acked = (): number => this.#senders.reduce((sum, sender) => sum + sender.acked, 0);
    while (acked() < count) {
      if (performance.now() > deadline) throw new Error(`Only ${acked()} of ${count} messages are acknowledged`);
      await delay(5);
    }
  }

  async rest(ms: number): Promise<void> {
    this.#isResting = true;
    await delay(ms);
    this.#isResting = false;
  }

  async close(): Promise<void> {
    this.#hurry.abort();
    await this.#sending;
  }
}
