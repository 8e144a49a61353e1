import type { FaultyReply } from "../model/faulty-reply.ts";
import { answered, failed, type ModelFaultCase } from "./model-fault-case.ts";

const MIB = 1024 * 1024;
const LARGE_BYTES = 10 * MIB;
const BLOCK = "x".repeat(4096);
const SMALL_CHUNKS = 100_000;
const CHUNKS_PER_WRITE = 250;

/** L15. */
export function heavyCases(): ModelFaultCase[] {
  const common = { agent: "patient", isHeavy: true } as const;
  const isCapped = (content: string): boolean =>
    content.startsWith(BLOCK.repeat(MIB / BLOCK.length)) && content.length < MIB + 1000;
  return [
    {
      ...common,
      name: "L15-10-mb",
      play: (reply) => write(reply, LARGE_BYTES / BLOCK.length, () => reply.text(BLOCK)),
      expected: answered(1, { isText: isCapped, isCancelled: true, withinMs: 10_000 }),
    },
    {
      ...common,
      name: "L15-one-byte-chunks",
      play: async (reply) => {
        const pieces = Array<string>(CHUNKS_PER_WRITE).fill("y");
        await write(reply, SMALL_CHUNKS / CHUNKS_PER_WRITE, () => reply.text(...pieces));
        reply.finish("stop");
      },
      expected: answered(1, { isText: (content) => content === "y".repeat(SMALL_CHUNKS), withinMs: 20_000 }),
    },
    {
      ...common,
      name: "L15-no-newline",
      play: async (reply) => {
        reply.raw('data: {"choices":[{"index":0,"delta":{"content":"');
        await write(reply, LARGE_BYTES / BLOCK.length, () => reply.raw(BLOCK));
        await reply.gone;
      },
      expected: failed(/line/, 3, { isCancelled: true, withinMs: 15_000 }),
    },
  ];
}

/** As fast as the other side reads, until it leaves. */
async function write(reply: FaultyReply, times: number, next: () => boolean): Promise<void> {
  for (let count = 0; count < times && !reply.isGone; count++) if (!next()) await reply.drained();
}
