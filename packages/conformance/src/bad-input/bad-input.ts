import { connect } from "node:net";
import { createRandom, type Random } from "../ledger/random.ts";
import type { RunReport, Say } from "../ledger/run-report.ts";
import { ACCEPT_HEADER, type BadInput, frame, NO_CODE, upgrade } from "./bad-input-case.ts";
import { badInputs } from "./bad-input-cases.ts";
import { startHealthyClient } from "./healthy-client.ts";

export interface BadInputOptions {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** How many random frames follow the table. */
  readonly randomFrames: number;
  readonly seed: number;
  /** What no answer may hold: a key of the configuration, the workspace's path. */
  readonly secrets: readonly string[];
  /** How long an expected answer may take; 1000 unless told. */
  readonly waitMs?: number | undefined;
}

export interface BadInputResult extends RunReport {
  /** A sentence for everything that is counted. */
  readonly findings: Findings;
}

interface Findings {
  readonly deaths: string[];
  readonly leaks: string[];
  /** Cases that were not answered as the protocol says. */
  readonly wrong: string[];
  /** What happened to the healthy client: closed, refused, or no receipt within 5 s. */
  readonly hurt: string[];
}

const QUIET_MS = 60; // after the last byte an answer is over
const WAIT_MS = 1000;
const FRAMES_PER_SOCKET = 25;
const LEAKS = [
  /\n\s+at \S+ ?\(?\S*:\d+/,
  /\\n\s+at /,
  /node:internal/,
  /file:\/\/\//,
  /node_modules/,
  /\/(home|root|usr|tmp)\//,
  /\.ts:\d+/,
];

/** Sends everything that is wrong to every door, while a healthy client goes on with its work. */
export async function runBadInput(options: BadInputOptions, say: Say): Promise<BadInputResult> {
  const findings: Findings = { deaths: [], leaks: [], wrong: [], hurt: [] };
  const healthy = await startHealthyClient(options.url);
  const cases = badInputs();
  for (const input of [...cases, ...randomInputs(options, say)]) await tryOne(options, input, findings);
  if ((await ask(options, PROBE).catch(() => undefined)) === undefined) findings.deaths.push("at the end");
  const { hurt, ...figures } = await healthy.stop();
  findings.hurt.push(...hurt);
  for (const [kind, lines] of Object.entries(findings)) for (const line of lines) say(`${kind}: ${line}`);
  const verdict = Object.fromEntries(Object.entries(findings).map(([kind, lines]) => [kind, lines.length]));
  return { findings, verdict, facts: { cases: cases.length, randomFrames: options.randomFrames, ...figures } };
}

async function tryOne(options: BadInputOptions, input: BadInput, findings: Findings): Promise<void> {
  const answer = await ask(options, input).catch(() => undefined);
  if (answer === undefined) {
    findings.deaths.push(input.name);
    return;
  }
  if (isLeak(answer, options.secrets)) findings.leaks.push(`${input.name}: ${answer.toString().slice(0, 300)}`);
  if (!isAsExpected(answer, input)) findings.wrong.push(`${input.name}: ${describe(answer, input)}`);
}

const PROBE: BadInput = { name: "probe", door: "raw", bytes: frame(9, "probe"), expected: "alive" };

/** Sends the bytes on a socket of their own; resolves with all that came back. Rejects when nobody listens. */
function ask({ url, waitMs = WAIT_MS }: BadInputOptions, { door, bytes, expected }: BadInput): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port) });
    const timer = setTimeout(() => finish(), expected === "alive" ? QUIET_MS : waitMs);
    let isSent = door === "tcp";
    function finish(): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks));
    }
    socket.on("connect", () => socket.write(isSent ? bytes : upgrade(door === "raw" ? "/ws?session=none" : "/trpc")));
    socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNREFUSED" ? reject(error) : finish()));
    socket.on("close", finish);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (!isSent && Buffer.concat(chunks).includes("\r\n\r\n")) {
        isSent = true;
        chunks.length = 0; // the upgrade was correct, and so is its answer
        socket.write(bytes);
      } else if (isSent && isAsExpected(Buffer.concat(chunks), { door, expected, bytes, name: "" })) {
        clearTimeout(timer);
        setTimeout(finish, QUIET_MS / 3);
      }
    });
  });
}

function isLeak(answer: Buffer, secrets: readonly string[]): boolean {
  const text = answer.toString();
  return LEAKS.some((pattern) => pattern.test(text)) || secrets.some((secret) => text.includes(secret));
}

function isAsExpected(answer: Buffer, { expected }: BadInput): boolean {
  if (expected === "alive") return true;
  if (expected === "error") return /^\{"type":"error","message":"[^\n]*"\}$/.test(payloads(answer).texts.join("\n"));
  if ("status" in expected) return expected.status.includes(statusOf(answer) ?? 0);
  return expected.close.includes(payloads(answer).closeCode ?? NO_CODE);
}

function describe(answer: Buffer, { expected }: BadInput): string {
  const { texts, closeCode } = payloads(answer);
  const status = statusOf(answer);
  const got = status === undefined ? `${texts.join(" ").slice(0, 200)} close ${closeCode}` : `HTTP ${status}`;
  return `expected ${JSON.stringify(expected)}, got ${got}`;
}

function statusOf(answer: Buffer): number | undefined {
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer.subarray(0, 20).toString()) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** The frames of a server: never masked, here never longer than 64 KiB. */
function payloads(answer: Buffer): { texts: string[]; closeCode: number | undefined } {
  const headEnd = answer.includes(ACCEPT_HEADER) ? answer.indexOf("\r\n\r\n") + 4 : 0;
  const texts: string[] = [];
  let closeCode: number | undefined;
  for (let at = headEnd; at + 2 <= answer.length; ) {
    const opcode = (answer[at] ?? 0) & 15;
    const short = (answer[at + 1] ?? 0) & 127;
    const head = short === 126 ? 4 : 2;
    const length = short === 126 && at + 4 <= answer.length ? answer.readUInt16BE(at + 2) : short;
    const body = answer.subarray(at + head, at + head + length);
    if (opcode === 1) texts.push(body.toString());
    if (opcode === 8 && body.length >= 2) closeCode = body.readUInt16BE(0);
    at += head + length;
  }
  return { texts, closeCode };
}

function* randomInputs({ randomFrames, seed }: BadInputOptions, say: Say): Generator<BadInput> {
  const random = createRandom(seed);
  for (let done = 0; done < randomFrames; done += FRAMES_PER_SOCKET) {
    const door = random.pick<"raw" | "rpc">(["raw", "rpc"]);
    const bytes = Buffer.concat(Array.from({ length: FRAMES_PER_SOCKET }, () => randomFrame(random)));
    yield { name: `random frames ${done} (seed ${seed})`, door, bytes, expected: "alive" };
    if (done % 5000 === 0) say(`${done}/${randomFrames} random frames`);
  }
}

/** Mostly well-formed frames with wrong contents, which get further than bytes that are wrong at once. */
function randomFrame(random: Random): Buffer {
  const kind = random.int(0, 59); // the first three mostly end their socket, and with it the rest of its frames
  if (kind === 0) return randomBytes(random, random.int(0, 40));
  if (kind === 1) return frame(random.int(0, 15), randomBytes(random, random.int(0, 200)));
  if (kind === 2) return frame(1, randomBytes(random, random.int(0, 200)));
  return frame(1, spoil(random, random.pick(SEEDS)));
}

const SEEDS = [
  '{"source":"a","content":"b","message_id":"c","agent_id":null}',
  '{"id":1,"method":"query","params":{"path":"sessions.list","input":{"limit":5}}}',
  '{"id":1,"method":"subscription","params":{"path":"events","input":{"lastEventId":"0","types":["InboundEvent"]}}}',
  '{"id":2,"method":"mutation","params":{"path":"send","input":{"source":"a","content":"b"}}}',
] as const satisfies [string, ...string[]];

/** Characters lost, doubled or exchanged. At least one, so that no message is meant. */
function spoil(random: Random, text: string): string {
  const chars = [...text];
  for (let changes = random.int(1, 6); changes > 0; changes--) {
    const at = random.int(0, chars.length - 1);
    chars.splice(
      at,
      random.int(0, 3),
      random.pick(["", '"', "{", "[", "}", "\\", "\u0000", "9e99", "null", "ß", "😀"]),
    );
  }
  return chars.join("");
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}
