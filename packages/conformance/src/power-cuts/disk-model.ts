import { dirname } from "node:path";
import type { Random } from "../ledger/random.ts";
import { GrowingFile } from "./growing-file.ts";
import type { TracedCall, TracedWork, TraceStep } from "./trace-steps.ts";

/** Files by path, and folders; the order is that of the paths. */
export type DiskImage = ReadonlyMap<string, Buffer | "folder">;

/** What a power cut leaves of the writes that no sync has covered: nothing, some of them, or pieces of some of them. */
export const CUT_VARIANTS = ["nothing", "some", "torn"] as const;
export type CutVariant = (typeof CUT_VARIANTS)[number];

const SECTOR_BYTES = 512;
const LOST_SHARES = [0.05, 0.3, 0.7] as const; // of the writes that no sync has covered
const TORN_SHARE = 0.5; // of those that are not lost whole

/** SQLite's `-shm` is memory that processes share through a file: not written by calls, and made anew after a crash. */
export function isForgotten(path: string): boolean {
  return path.endsWith("-shm");
}

/** A change that is not durable yet; `endedAt` undefined: the call has not come back. */
interface Pending<Change> {
  readonly change: Change;
  endedAt: number | undefined;
}

type DataChange = { readonly offset: number; readonly data: Buffer } | { readonly size: number };
type NameChange = (names: Map<string, DiskNode>) => void;

class DiskFile {
  readonly durable: GrowingFile;
  readonly current: GrowingFile;
  pending: Pending<DataChange>[] = [];

  constructor(contents?: Buffer) {
    this.durable = new GrowingFile(contents);
    this.current = new GrowingFile(contents);
  }
}

class DiskFolder {
  pending: Pending<NameChange>[] = []; // of the names in it
}

type DiskNode = DiskFile | DiskFolder;

interface Descriptor {
  readonly isAppending: boolean;
  readonly isSynced: boolean; // O_SYNC, O_DSYNC
  position: number;
}

/**
 * A disk that keeps for sure only what was synced. It is as strict as POSIX: the contents of a file are durable after
 * its own sync, its name (a new, renamed or removed file, a new folder) after the sync of the folder that holds it.
 * Changes of names in one folder become durable in their order, as with the journals of common file systems.
 */
export class DiskModel {
  readonly #root: string;
  readonly #durable = new Map<string, DiskNode>();
  readonly #current = new Map<string, DiskNode>();
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #pending = new Map<TracedCall, Pending<unknown>>(); // begun, and not ended
  readonly #syncs = new Map<TracedCall, number>(); // where they began
  #position = 0;

  constructor(root: string, image: DiskImage) {
    this.#root = root;
    for (const [path, contents] of [[root, "folder"] as const, ...image]) {
      const node = contents === "folder" ? new DiskFolder() : new DiskFile(contents);
      this.#durable.set(path, node);
      this.#current.set(path, node);
    }
  }

  take({ at, call }: TraceStep): void {
    this.#position += 1;
    if (isForgotten(call.work.file) || call.work.file.startsWith("socket:")) return;
    if (at === "end") this.#end(call);
    else if (call.result !== undefined) this.#begin(call); // else nobody knows: see `reconcile`
  }

  /** How many changes a power cut could take back now. */
  get pendingChanges(): number {
    const nodes = new Set([...this.#durable.values(), ...this.#current.values()]);
    return [...nodes].reduce((sum, { pending }) => sum + pending.length, 0);
  }

  /** Would this text be in some file after a power cut now, whatever it takes? */
  isDurable(text: Buffer): boolean {
    return [...this.#durable].some(
      ([path, node]) => node instanceof DiskFile && node.durable.contents.includes(text) && this.#isReachable(path),
    );
  }

  /** The disk as a power cut leaves it now. */
  cut(variant: CutVariant, random: Random): DiskImage {
    const names = new Map(this.#durable);
    if (variant !== "nothing") {
      const folders = new Set([...this.#current.values()].filter((node) => node instanceof DiskFolder));
      for (const { pending } of folders) {
        for (const { change } of pending.slice(0, random.int(0, pending.length))) change(names);
      }
    }
    const image = new Map<string, Buffer | "folder">();
    for (const path of [...names.keys()].sort()) {
      const node = names.get(path);
      const isReachable = path === this.#root || dirname(path) === this.#root || image.get(dirname(path)) === "folder";
      if (!node || path === this.#root || !isReachable) continue;
      image.set(path, node instanceof DiskFile ? cutFile(node, variant, random) : "folder");
    }
    return image;
  }

  /**
   * Compares with what is really there once the program is gone, and takes over what calls did within which it was
   * killed. Returns the paths that the trace does not account for.
   */
  reconcile(actual: DiskImage, killed: readonly TracedCall[]): string[] {
    this.#descriptors.clear();
    this.#pending.clear();
    this.#syncs.clear();
    for (const call of killed) this.#adopt(call, actual);
    const paths = new Set([...actual.keys(), ...this.#current.keys()]);
    paths.delete(this.#root);
    return [...paths].filter((path) => !isSame(this.#current.get(path), actual.get(path)));
  }

  #isReachable(path: string): boolean {
    const folder = dirname(path);
    return folder === this.#root || (this.#durable.get(folder) instanceof DiskFolder && this.#isReachable(folder));
  }

  #adopt(call: TracedCall, actual: DiskImage): void {
    const { work } = call;
    if (work.kind === "write" || work.kind === "truncate" || work.kind === "allocate") {
      this.#adoptData(call, actual.get(work.file));
    } else if (this.#hasHappened(work, actual)) {
      this.#begin(call);
      this.#end(call);
    }
  }

  #hasHappened(work: TracedWork, actual: DiskImage): boolean {
    const wasThere = this.#current.has(work.file);
    const isThere = actual.has(work.file);
    if (work.kind === "move") return wasThere && !isThere && actual.has(work.to);
    return work.kind === "remove" ? wasThere && !isThere : !wasThere && isThere;
  }

  /** Whatever differs is what the call has managed to do. */
  #adoptData(call: TracedCall, contents: Buffer | "folder" | undefined): void {
    const node = this.#current.get(call.work.file);
    if (!(node instanceof DiskFile) || !(contents instanceof Buffer) || node.current.contents.equals(contents)) return;
    const data = Buffer.from(contents);
    if (data.length < node.current.size) this.#change(node, call, { size: data.length });
    const { work } = call;
    if (work.kind === "write") {
      const offset = work.offset ?? node.current.size;
      this.#change(node, call, { offset, data: data.subarray(offset, offset + work.data.length) });
    } else if (data.length > node.current.size) this.#change(node, call, { size: data.length });
    this.#end(call);
  }

  #begin(call: TracedCall): void {
    const { work } = call;
    if (work.kind === "sync") this.#syncs.set(call, this.#position);
    else if (work.kind === "open") this.#beginOpen(call, work);
    else if (work.kind === "folder") this.#add(call, new DiskFolder());
    else if (work.kind === "move") this.#rename(call, dirname(work.to), moveName(work.file, work.to));
    else if (work.kind === "remove") this.#rename(call, dirname(work.file), (names) => void names.delete(work.file));
    else this.#beginData(call, this.#current.get(work.file));
  }

  #beginData(call: TracedCall, node: DiskNode | undefined): void {
    if (!(node instanceof DiskFile)) return;
    const { work } = call;
    if (work.kind === "write") this.#beginWrite(call, node, work);
    else if (work.kind === "truncate") this.#change(node, call, { size: work.size });
    else if (work.kind === "allocate" && work.end > node.current.size) this.#change(node, call, { size: work.end });
  }

  #beginOpen(call: TracedCall, { file, flags }: Extract<TracedWork, { kind: "open" }>): void {
    const node = this.#current.get(file);
    if (!node && flags.includes("O_CREAT")) this.#add(call, new DiskFile());
    else if (node instanceof DiskFile && flags.includes("O_TRUNC")) this.#change(node, call, { size: 0 });
  }

  #beginWrite(call: TracedCall, node: DiskFile, work: Extract<TracedWork, { kind: "write" }>): void {
    const descriptor = this.#descriptors.get(work.fd);
    const stands = descriptor?.isAppending === false ? descriptor.position : node.current.size;
    const offset = work.offset ?? stands;
    const data = work.data.subarray(0, call.result);
    this.#change(node, call, { offset, data });
    if (work.offset === undefined && descriptor) descriptor.position = offset + data.length;
  }

  #end(call: TracedCall): void {
    const { work, result = 0 } = call;
    const pending = this.#pending.get(call);
    if (pending) pending.endedAt = this.#position;
    this.#pending.delete(call);
    const node = this.#current.get(work.file);
    if (work.kind === "open") this.#descriptors.set(result, openDescriptor(work));
    if (work.kind === "sync" && node) settle(node, this.#durable, this.#syncs.get(call) ?? 0);
    if (work.kind === "seek") {
      const descriptor = this.#descriptors.get(work.fd);
      if (descriptor) descriptor.position = result;
    }
    const isSynced = work.kind === "write" && this.#descriptors.get(work.fd)?.isSynced;
    if (isSynced && node) settle(node, this.#durable, this.#position + 1);
  }

  #change(node: DiskFile, call: TracedCall, change: DataChange): void {
    applyData(node.current, change);
    const pending = { change, endedAt: undefined };
    node.pending.push(pending);
    this.#pending.set(call, pending);
  }

  #add(call: TracedCall, node: DiskNode): void {
    const { file } = call.work;
    this.#rename(call, dirname(file), (names) => void names.set(file, node));
  }

  #rename(call: TracedCall, folderPath: string, change: NameChange): void {
    change(this.#current);
    const folder = this.#current.get(folderPath);
    if (!(folder instanceof DiskFolder)) return; // outside of what is looked at
    const pending = { change, endedAt: undefined };
    folder.pending.push(pending);
    this.#pending.set(call, pending);
  }
}

function openDescriptor({ flags }: Extract<TracedWork, { kind: "open" }>): Descriptor {
  const isSynced = flags.includes("O_SYNC") || flags.includes("O_DSYNC");
  return { isAppending: flags.includes("O_APPEND"), isSynced, position: 0 };
}

function moveName(from: string, to: string): NameChange {
  return (names) => {
    for (const [path, node] of [...names]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      names.delete(path);
      names.set(to + path.slice(from.length), node);
    }
  };
}

/** A sync covers what came back before it was called. */
function settle(node: DiskNode, names: Map<string, DiskNode>, calledAt: number): void {
  const isCovered = ({ endedAt }: { endedAt: number | undefined }): boolean =>
    endedAt !== undefined && endedAt < calledAt;
  if (node instanceof DiskFolder) {
    for (const { change } of node.pending.filter(isCovered)) change(names);
    node.pending = node.pending.filter((pending) => !isCovered(pending));
  } else {
    for (const { change } of node.pending.filter(isCovered)) applyData(node.durable, change);
    node.pending = node.pending.filter((pending) => !isCovered(pending));
  }
}

function applyData(file: GrowingFile, change: DataChange): void {
  if ("size" in change) file.resize(change.size);
  else file.write(change.offset, change.data);
}

function cutFile({ durable, pending }: DiskFile, variant: CutVariant, random: Random): Buffer {
  const file = new GrowingFile(durable.contents);
  if (variant === "nothing") return Buffer.from(file.contents);
  const lostShare = random.pick(LOST_SHARES);
  for (const { change } of pending) {
    if (random.next() < lostShare) continue;
    applyData(file, variant === "torn" && random.next() < TORN_SHARE ? tear(change, random) : change);
  }
  return Buffer.from(file.contents);
}

/** The first sectors of a write. */
function tear(change: DataChange, random: Random): DataChange {
  if ("size" in change) return change;
  const { offset, data } = change;
  const firstEnd = SECTOR_BYTES - (offset % SECTOR_BYTES);
  const sectors = data.length <= firstEnd ? 0 : Math.ceil((data.length - firstEnd) / SECTOR_BYTES);
  const kept = random.int(0, sectors);
  return { offset, data: data.subarray(0, kept === 0 ? 0 : firstEnd + (kept - 1) * SECTOR_BYTES) };
}

function isSame(node: DiskNode | undefined, contents: Buffer | "folder" | undefined): boolean {
  if (node instanceof DiskFile) return contents instanceof Buffer && node.current.contents.equals(contents);
  return node instanceof DiskFolder ? contents === "folder" : contents === undefined;
}
