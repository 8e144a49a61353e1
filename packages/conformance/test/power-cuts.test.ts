import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { createRandom } from "../src/ledger/random.ts";
import { type CutLifeResult, cutLife } from "../src/power-cuts/cut-life.ts";
import { type DiskImage, DiskModel } from "../src/power-cuts/disk-model.ts";
import { ImageStarter } from "../src/power-cuts/image-starter.ts";
import { judgeCut } from "../src/power-cuts/judge-cut.ts";
import { runPowerCuts } from "../src/power-cuts/power-cuts.ts";
import { findShownEvents } from "../src/power-cuts/shown-events.ts";
import { hex, readTrace, TraceText } from "./trace-text.ts";

const ROOT = "/data";
const fd = (number: number, path: string): string => `${number}<${hex(path)}>`;
const log = fd(3, "/data/log");

function modelAfter(lines: readonly string[], before: DiskImage = new Map()): DiskModel {
  const model = new DiskModel(ROOT, before);
  for (const step of readTrace(ROOT, lines)) model.take(step);
  return model;
}

/** The files that are there for sure. */
function durable(lines: readonly string[], before?: DiskImage): Record<string, string> {
  const image = modelAfter(lines, before).cut("nothing", createRandom(1));
  return Object.fromEntries([...image].map(([path, contents]) => [path, contents.toString()]));
}

const LOG_BEFORE: DiskImage = new Map([["/data/log", Buffer.from("old")]]);

describe("a trace becomes a disk", () => {
  test("[BUS1] only what came back before the sync was called is durable, whichever thread wrote it (P2)", () => {
    const write = (thread: number, text: string, offset: number): string =>
      `${thread} pwrite64(${log}, "${hex(text)}", ${text.length}, ${offset}`;
    expect(durable([`7 ${write(7, "a", 0).slice(2)}) = 1`, `7 fsync(${log}) = 0 (DELAYED)`], LOG_BEFORE)).toEqual({
      "/data/log": "ald",
    });
    const overlapping = [
      `${write(8, "b", 1)} <unfinished ...>`,
      `7 fsync(${log} <unfinished ...>`,
      "8 <... pwrite64 resumed>) = 1",
      "7 <... fsync resumed>) = 0",
    ];
    expect(durable(overlapping, LOG_BEFORE)).toEqual({ "/data/log": "old" });
    expect(durable([...overlapping, `7 fdatasync(${log}) = 0`], LOG_BEFORE)).toEqual({ "/data/log": "obd" });
    expect(durable([`${write(7, "c", 2)}) = 1`, `7 fsync(${log}) = -1 EIO (Input/output error)`], LOG_BEFORE)).toEqual({
      "/data/log": "old",
    });
  });

  test("[BUS1] a name is durable after its folder's sync only: new, renamed, removed, and the folder itself (P2)", () => {
    const made = [
      `7 mkdir("${hex("/data/store")}", 0700) = 0`,
      `7 openat(AT_FDCWD<${hex("/data/store")}>, "${hex("db")}", O_RDWR|O_CREAT, 0600) = ${fd(3, "/data/store/db")}`,
      `7 write(${fd(3, "/data/store/db")}, "${hex("text")}"..., 4) = 4`.replace("...", ""),
      `7 fsync(${fd(3, "/data/store/db")}) = 0`,
    ];
    expect(durable(made)).toEqual({});
    const named = [...made, `7 fsync(${fd(4, "/data/store")}) = 0`];
    expect(durable(named)).toEqual({});
    const whole = [...named, `7 fsync(${fd(5, "/data")}) = 0`];
    expect(durable(whole)).toEqual({ "/data/store": "folder", "/data/store/db": "text" });
    const moved = [...whole, `7 rename("${hex("/data/store/db")}", "${hex("/data/store/old")}") = 0`];
    expect(durable(moved)).toHaveProperty(["/data/store/db"]);
    const synced = `7 fsync(${fd(4, "/data/store")}) = 0`;
    expect(durable([...moved, synced])).toEqual({ "/data/store": "folder", "/data/store/old": "text" });
    const removed = [...whole, `7 unlink("${hex("/data/store/db")}") = 0`];
    expect(durable(removed)).toHaveProperty(["/data/store/db"]);
    expect(durable([...removed, synced])).toEqual({ "/data/store": "folder" });
  });

  test("[BUS1] truncation, positions and appending are followed (P2)", () => {
    const sync = `7 fsync(${log}) = 0`;
    const open = (flags: string): string => `7 open("${hex("/data/log")}", ${flags}) = ${log}`;
    const write = (text: string): string => `7 write(${log}, "${hex(text)}", ${text.length}) = ${text.length}`;
    expect(durable([open("O_WRONLY|O_APPEND"), write("er"), sync], LOG_BEFORE)).toEqual({ "/data/log": "older" });
    expect(durable([open("O_WRONLY"), write("b"), write("i"), sync], LOG_BEFORE)).toEqual({ "/data/log": "bid" });
    expect(durable([open("O_WRONLY"), `7 lseek(${log}, 1, SEEK_SET) = 1`, write("d"), sync], LOG_BEFORE)).toEqual({
      "/data/log": "odd",
    });
    expect(durable([open("O_WRONLY|O_TRUNC"), write("n"), sync], LOG_BEFORE)).toEqual({ "/data/log": "n" });
    expect(durable([`7 ftruncate(${log}, 1) = 0`, sync], LOG_BEFORE)).toEqual({ "/data/log": "o" });
    expect(durable([open("O_WRONLY|O_DSYNC"), write("b")], LOG_BEFORE)).toEqual({ "/data/log": "bld" });
  });

  test("[BUS19] a cut loses unsynced writes whole, or leaves their first sectors (P2)", () => {
    const data = "x".repeat(4096);
    const model = modelAfter([`7 pwrite64(${log}, "${hex(data)}", 4096, 24) = 4096`], LOG_BEFORE);
    const sizes = (variant: "some" | "torn"): Set<number> =>
      new Set(
        Array.from({ length: 200 }, (_, seed) => {
          const contents = model.cut(variant, createRandom(seed)).get("/data/log");
          return contents?.length ?? -1;
        }),
      );
    expect(sizes("some")).toEqual(new Set([3, 4120]));
    expect([...sizes("torn")].filter((size) => size !== 3 && size !== 4120 && size % 512 !== 0)).toEqual([]);
    expect(sizes("torn").size).toBeGreaterThan(5);
  });

  test("[BUS1] a call that its process was killed in counts as far as it came; a file that nothing explains is named (P2)", () => {
    const lines = [`7 pwrite64(${log}, "${hex("abcdef")}", 6, 1 <unfinished ...>) = ?`, "7 +++ killed by SIGKILL +++"];
    const steps = readTrace(ROOT, lines);
    const killed = steps.map(({ call }) => call);
    const model = modelAfter(lines, LOG_BEFORE);
    expect(model.reconcile(new Map([["/data/log", Buffer.from("oabcd")]]), killed)).toEqual([]);
    expect(model.cut("nothing", createRandom(1)).get("/data/log")?.toString()).toBe("old");
    expect(model.reconcile(new Map([["/data/log", Buffer.from("Xabcd")]]), [])).toEqual(["/data/log"]);
    expect(model.reconcile(new Map(), [])).toEqual(["/data/log"]);
  });

  test("[BUS3] what a socket was given in pieces is read as events; other sockets and half frames are not (P7)", () => {
    const socket = (number: number): string => fd(9, `socket:[${number}]`);
    const event = { type: "InboundEvent", message_id: "m1", cursor: "e-1" };
    const text = JSON.stringify(event);
    const frame = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
    const send = (number: number, bytes: string | Buffer, taken = bytes.length): string =>
      `7 write(${socket(number)}, "${hex(bytes)}", ${bytes.length}) = ${taken}`;
    const steps = readTrace(ROOT, [
      send(1, "HTTP/1.1 200 OK\r\n\r\n"),
      send(1, frame),
      send(2, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
      send(2, frame, 10), // the rest did not fit
      send(2, frame.subarray(10)),
      send(2, frame.subarray(0, 5)),
    ]);
    expect(findShownEvents(steps)).toMatchObject([{ step: 8, event: { cursor: "e-1", messageId: "m1" } }]);
  });
});

const SERVER = `"${process.execPath}" "${join(import.meta.dirname, "mutant-server.ts")}" {port} {workspace}`;

/** A server that stores messages one by one, with one bug or none; the mutant server, without bugs, starts on what is left. */
function trace(bug: string): TraceText {
  const text = new TraceText(ROOT);
  if (bug !== "does not sync the folder") text.syncFolder();
  for (let number = 1; number <= 6; number += 1) {
    const record = recordOf(number);
    if (bug === "shows before it stores") text.show(record);
    text.store(record);
    if (bug === "acknowledges before it syncs") text.show(record);
    if (bug !== "never syncs" && (bug !== "syncs every third message" || number % 3 === 0)) text.sync();
    if (bug !== "shows before it stores" && bug !== "syncs every third message") text.show(record);
  }
  return text;
}

function recordOf(number: number) {
  const message_id = `message-${number}`;
  const event = { type: "InboundEvent", session_id: "s", source: "s", content: "hi", run_id: `r${number}`, message_id };
  return { cursor: `m-${number}`, event };
}

async function cutTrace(bug: string): Promise<CutLifeResult> {
  const starter = new ImageStarter({ command: SERVER, root: ROOT });
  return await cutLife({
    root: ROOT,
    before: new Map(),
    shownBefore: [],
    processes: [trace(bug).process],
    cuts: 12,
    random: createRandom(11),
    start: (image) => starter.start(image),
    say: () => undefined,
  });
}

describe("the cuts of a server's life", () => {
  test("[BUS1] [BUS3] a server that syncs before it shows loses nothing (P2, P7)", async () => {
    const { verdict, facts } = await cutTrace("");
    expect(Object.entries(verdict).filter(([, count]) => count > 0)).toEqual([]);
    expect(facts).toMatchObject({ images: 36, acks: 6, shown: 6 });
    expect(facts.unsynced).toBeGreaterThan(0);
  }, 120_000);

  test.each([
    ["never syncs", ["lostAcked", "ghosts", "ackedBeforeSync"]],
    ["acknowledges before it syncs", ["lostAcked", "ghosts", "ackedBeforeSync"]],
    ["shows before it stores", ["lostAcked", "ghosts", "ackedBeforeSync"]],
    ["does not sync the folder", ["lostAcked", "ghosts", "ackedBeforeSync"]],
    ["syncs every third message", ["failedStarts"]], // a hole in its file is more than it can read
  ])(
    "[BUS1] [BUS3] a server that %s is caught (P2, P7)",
    async (bug, counts) => {
      const { verdict } = await cutTrace(bug);
      const broken = Object.entries(verdict).filter(([, count]) => count > 0);
      expect(broken.map(([name]) => name)).toEqual(expect.arrayContaining(counts));
    },
    120_000,
  );

  test("[BUS1] [BUS2] [BUS3] each count of a cut is told from the others (P2, P3, P7)", () => {
    const event = (cursor: string, messageId: string) =>
      ({ cursor, type: "InboundEvent", digest: `${cursor} ${messageId}`, messageId }) as const;
    const answer = { cursor: "3", type: "OutboundEvent", digest: "answer" };
    const log = [event("1", "a"), event("2", "b"), answer];
    const clean = { lostAcked: 0, doubled: 0, ghosts: 0, idReused: 0 };
    expect(judgeCut(log.slice(0, 2), log)).toEqual(clean);
    expect(judgeCut(log, log.slice(0, 2))).toEqual({ ...clean, ghosts: 1 });
    expect(judgeCut(log, [log[0] ?? answer, answer])).toEqual({ ...clean, lostAcked: 1, ghosts: 1 });
    expect(judgeCut(log, [...log, event("4", "b")])).toEqual({ ...clean, doubled: 1 });
    expect(judgeCut(log, [event("1", "a"), event("2", "b"), { ...answer, digest: "other" }])).toEqual({
      ...clean,
      ghosts: 1,
      idReused: 1,
    });
  });
});

test("[BUS1] where there is no strace the run says so, and what to install (P2)", async () => {
  vi.stubEnv("PATH", "/nowhere");
  const options = { command: "node server.js", cuts: 1, messages: 1, seed: 1 };
  await expect(runPowerCuts(options, () => undefined)).rejects.toThrow(
    /strace does not work here.*apt-get install strace/,
  );
  vi.unstubAllEnvs();
});
