import { setTimeout as delay } from "node:timers/promises";
import type { FullDiskCounts } from "../ledger/ledger.ts";
import type { Random } from "../ledger/random.ts";
import type { ServerCommand } from "../server/server-command.ts";
import type { SmallDisk } from "../server/small-disk.ts";

export interface FullDiskDeps {
  readonly disk: SmallDisk;
  readonly server: ServerCommand;
  readonly random: Random;
  /** How many messages are acknowledged so far. */
  readonly acked: () => number;
}

const SHORTEST_MS = 100;
const LONGEST_MS = 2500;
const LATE_ACK_MS = 5000;
const POLL_MS = 10;

/** Fills the disk for a while, gives the space back, and waits until messages are acknowledged again. */
export async function fillDiskOnce({ disk, server, random, acked }: FullDiskDeps): Promise<FullDiskCounts> {
  disk.fill();
  await delay(random.int(SHORTEST_MS, LONGEST_MS));
  const canRead = await isReadable(server.port);
  disk.free();
  const isLate = !(await isAckedAgain(acked));
  return {
    fullDiskDeaths: server.isRunning ? 0 : 1,
    fullDiskUnreadable: canRead ? 0 : 1,
    fullDiskLateAcks: isLate ? 1 : 0,
  };
}

function isReadable(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/trpc/sessions.list`, { signal: AbortSignal.timeout(LATE_ACK_MS) })
    .then(async (response) => (await response.text()).includes('"session_id"') && response.ok)
    .catch(() => false);
}

async function isAckedAgain(acked: () => number): Promise<boolean> {
  const before = acked();
  const deadline = performance.now() + LATE_ACK_MS;
  while (acked() === before && performance.now() < deadline) await delay(POLL_MS);
  return acked() > before;
}
