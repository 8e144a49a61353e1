import { resolve } from "node:path";

/** What a traced program did to a file, a folder or a socket. A file is its path, a socket `socket:[<number>]`. */
export type TracedWork =
  | { readonly kind: "open"; readonly file: string; readonly flags: readonly string[] }
  | {
      readonly kind: "write";
      readonly file: string;
      readonly fd: number;
      readonly data: Buffer;
      readonly offset?: number; // absent: where the descriptor stands
    }
  | { readonly kind: "seek"; readonly file: string; readonly fd: number }
  | { readonly kind: "truncate"; readonly file: string; readonly size: number }
  | { readonly kind: "allocate"; readonly file: string; readonly end: number }
  | { readonly kind: "sync"; readonly file: string }
  | { readonly kind: "remove"; readonly file: string }
  | { readonly kind: "move"; readonly file: string; readonly to: string }
  | { readonly kind: "folder"; readonly file: string };

export interface TracedCall {
  readonly work: TracedWork;
  /** Undefined: the process was killed within the call. */
  readonly result: number | undefined;
}

/**
 * The beginning or the end of a system call. What ended before another began in this order did so in truth, whichever
 * threads they were of: strace holds a thread at both points and writes one line after the other.
 */
export interface TraceStep {
  readonly at: "begin" | "end";
  readonly call: TracedCall;
}

export interface TraceScope {
  /** Files outside of this folder are left out. */
  readonly root: string;
  /** Where the program was started. */
  readonly cwd: string;
}

/** Names of the calls that have to be in the trace. */
export const TRACED_CALLS = [
  "open,openat,creat,lseek,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2",
  "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,truncate,ftruncate,fallocate",
].join(",");

interface OpenCall {
  work: TracedWork;
  result: number | undefined;
}

const LINE = /^(\d+) +(?:<\.\.\. \w+ resumed>|(\w+)\()(.*)$/s;
const UNFINISHED = /,? <unfinished \.\.\.>$/;
const RESULT = /\) += (-?\d+|\?)[^"]*$/;

/** Reads lines of `strace -f -y -xx -v`, one after the other. */
export class TraceReader {
  readonly #scope: TraceScope;
  readonly #open = new Map<string, OpenCall | undefined>(); // by thread
  readonly #steps: TraceStep[] = [];

  constructor(scope: TraceScope) {
    this.#scope = scope;
  }

  /** Calls that failed are left out; those without an end were cut short with their process. */
  get steps(): TraceStep[] {
    return this.#steps.filter(({ call }) => call.result === undefined || call.result >= 0);
  }

  add(line: string): void {
    const [, thread = "", name, rest = ""] = LINE.exec(line) ?? [];
    if (thread === "") return; // a signal, or the end of a thread
    if (name !== undefined) this.#begin(thread, name, rest.replace(UNFINISHED, ""));
    if (!UNFINISHED.test(rest)) this.#end(thread, rest);
  }

  #begin(thread: string, name: string, args: string): void {
    const work = parseWork(name, args, this.#scope.cwd);
    const call = work && isInScope(work, this.#scope.root) ? { work, result: undefined } : undefined;
    this.#open.set(thread, call);
    if (call) this.#steps.push({ at: "begin", call });
  }

  #end(thread: string, rest: string): void {
    const call = this.#open.get(thread);
    this.#open.delete(thread);
    const [, result] = RESULT.exec(rest) ?? [];
    if (!call || result === undefined || result === "?") return;
    call.result = Number(result);
    this.#steps.push({ at: "end", call });
  }
}

function isInScope(work: TracedWork, root: string): boolean {
  const isInside = (file: string): boolean => file === root || file.startsWith(`${root}/`);
  return work.file.startsWith("socket:") || isInside(work.file) || (work.kind === "move" && isInside(work.to));
}

/** `args` is what stands behind the opening bracket; its text pieces are hexadecimal and hold no quotes. */
function parseWork(name: string, args: string, cwd: string): TracedWork | undefined {
  const parts = args.split('"');
  const [head = "", first = "", middle = "", second = ""] = parts;
  const tail = (parts.at(-1) ?? "").replace(RESULT, "");
  const path = (folder: string, text: string): string => resolve(folderOf(folder) ?? cwd, decode(text).toString());
  switch (name) {
    case "open":
    case "openat":
      return { kind: "open", file: path(head, first), flags: tail.split(/[,|\s]+/) };
    case "creat":
      return { kind: "open", file: path(head, first), flags: ["O_CREAT", "O_TRUNC"] };
    case "mkdir":
    case "mkdirat":
      return { kind: "folder", file: path(head, first) };
    case "rmdir":
    case "unlink":
    case "unlinkat":
      return { kind: "remove", file: path(head, first) };
    case "rename":
    case "renameat":
    case "renameat2":
      return { kind: "move", file: path(head, first), to: path(middle, second) };
    case "truncate":
      return { kind: "truncate", file: path(head, first), size: numbersOf(tail).at(-1) ?? 0 };
    default:
      return parseDescriptorWork(name, parts, numbersOf(tail));
  }
}

/** Calls whose first argument is a descriptor, which strace shows with its file. */
function parseDescriptorWork(
  name: string,
  parts: readonly string[],
  numbers: readonly number[],
): TracedWork | undefined {
  const [, fd, encoded = "", deleted] = /^(\d+)<([^>]*)>(\(deleted\))?/.exec(parts[0] ?? "") ?? [];
  if (fd === undefined || deleted !== undefined) return undefined;
  const file = decode(encoded).toString();
  const [last = 0, beforeLast = 0] = numbers.toReversed();
  switch (name) {
    case "write":
    case "writev":
    case "sendto":
    case "sendmsg":
      return { kind: "write", file, fd: Number(fd), data: dataOf(parts) };
    case "pwrite64":
    case "pwritev":
      return { kind: "write", file, fd: Number(fd), data: dataOf(parts), offset: last };
    case "pwritev2":
      return { kind: "write", file, fd: Number(fd), data: dataOf(parts), offset: beforeLast };
    case "lseek":
      return { kind: "seek", file, fd: Number(fd) };
    case "fsync":
    case "fdatasync":
      return { kind: "sync", file };
    case "ftruncate":
      return { kind: "truncate", file, size: last };
    case "fallocate":
      return { kind: "allocate", file, end: beforeLast + last };
    default:
      return undefined;
  }
}

function dataOf(parts: readonly string[]): Buffer {
  if (parts.some((part, index) => index % 2 === 0 && part.startsWith("..."))) {
    throw new Error("strace has shortened what was written; its -s has to be larger than any write");
  }
  return Buffer.concat(parts.filter((_, index) => index % 2 === 1).map(decode));
}

function numbersOf(tail: string): number[] {
  return [...tail.replace(/<[^>]*>/g, "").matchAll(/(?<=[,\s])-?\d+/g)].map(([text]) => Number(text));
}

/** `AT_FDCWD</folder>, ` or `5</folder>, `. */
function folderOf(text: string): string | undefined {
  const [, encoded] = /<([^>]*)>/.exec(text) ?? [];
  return encoded === undefined ? undefined : decode(encoded).toString();
}

function decode(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}
